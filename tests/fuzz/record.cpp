// The record reader against a plain one that has the whole stream before it: the same records and
// the same end, however the stream is cut up, whoever holds on to a record, and with no more memory
// than what has arrived asks for.
//
// Input: a seed for the cuts, limits, then pieces of stream, each either bytes as they are or a
// fragment whose content is made up, so that short inputs make long streams.
#include "rpc/record.hpp"

#include <cstddef>
#include <random>
#include <vector>

#include "tests/fuzz/support/expect.hpp"
#include "tests/support/allocations.hpp"
#include "xdr/reader.hpp"

namespace berth::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

class Pieces {
public:
    explicit Pieces(std::span<const std::byte> input) : rest_(input) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    std::uint32_t number(std::size_t bytes) {
        std::uint32_t value = 0;
        for (const auto byte : take(bytes))
            value = value << 8 | std::to_integer<std::uint32_t>(byte);
        return value;
    }
    std::span<const std::byte> take(std::size_t count) {
        const auto taken = rest_.first(std::min(count, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    std::span<const std::byte> rest_;
};

void append_fragment(Bytes& stream, std::size_t size, bool is_last) {
    const auto mark = (is_last ? 0x80000000U : 0U) | static_cast<std::uint32_t>(size);
    for (int shift = 24; shift >= 0; shift -= 8)
        stream.push_back(static_cast<std::byte>(mark >> shift & 0xFF));
    const auto from = stream.size();
    stream.resize(from + size, static_cast<std::byte>(from));
    for (std::size_t i = from; i < stream.size(); i += 61) stream[i] = static_cast<std::byte>(i);
}

Bytes make_stream(Pieces& input) {
    constexpr std::size_t stream_bytes_max = 400'000;
    Bytes stream;
    while (!input.empty() && stream.size() < stream_bytes_max) {
        const auto what = input.number(1);
        if ((what & 3) == 0) {
            const auto raw = input.take(what >> 2);
            stream.insert(stream.end(), raw.begin(), raw.end());
        } else {
            // Most fragments are small, some larger than a buffer.
            const auto size =
                (what & 3) == 3 ? input.number(3) % 200'000 : input.number(2) % 10'000;
            append_fragment(stream, size, (what & 4) == 0);
        }
    }
    return stream;
}

struct Expected {
    std::vector<Bytes> records;
    bool is_broken = false;
};

Expected read_plainly(std::span<const std::byte> stream, const rpc::RecordReader::Limits& limits) {
    Expected expected;
    Bytes record;
    std::size_t fragments = 0;
    for (std::size_t at = 0; stream.size() - at >= 4;) {
        const auto mark = xdr::Reader{stream.subspan(at, 4)}.u32();
        const std::size_t size = mark & 0x7FFFFFFF;
        if (record.size() + size > limits.record_bytes_max || ++fragments > limits.fragments_max) {
            expected.is_broken = true;
            break;
        }
        at += 4;
        if (size > stream.size() - at) break;
        record.insert(record.end(), stream.begin() + static_cast<std::ptrdiff_t>(at),
                      stream.begin() + static_cast<std::ptrdiff_t>(at + size));
        at += size;
        if (mark >> 31 == 0) continue;
        expected.records.push_back(std::move(record));
        record.clear();
        fragments = 0;
    }
    return expected;
}

/// Feeds the stream in random cuts; keeps some records while later ones arrive, as workers do.
class Feeding {
public:
    Feeding(std::uint32_t seed, const rpc::RecordReader::Limits& limits)
        : random_{seed},
          reader_{pool_, limits} {}

    void feed(std::span<const std::byte> stream, const Expected& expected) {
        test::forget_allocations();
        constexpr std::size_t buffer_bytes_min = std::size_t{64} << 10;
        for (std::size_t at = 0; at < stream.size() && !reader_.is_broken();) {
            const auto space = reader_.space();
            expect(!space.empty());
            // A buffer is at most four times as large as what has filled the one before.
            expect(test::allocations().largest <= 4 * std::max(at, buffer_bytes_min));
            const auto count = std::min({cut(), space.size(), stream.size() - at});
            std::ranges::copy(stream.subspan(at, count), space.begin());
            reader_.received(count);
            at += count;
            take_records(expected);
            if (random_() % 4 == 0) reader_.rest();
        }
        expect(taken_ == expected.records.size());
        expect(reader_.is_broken() == expected.is_broken);
        expect(!reader_.next());
        while (!kept_.empty()) let_go(expected);
    }

private:
    struct Kept {
        rpc::Record record;
        std::size_t number;
    };

    std::size_t cut() {
        // Few of the shortest, or a long stream would take forever.
        const auto kind = random_() % 16;
        if (kind == 0) return 1;
        if (kind == 1) return 1 + random_() % 7;
        return 1 + random_() % (kind < 8 ? 5000 : 100'000);
    }

    void take_records(const Expected& expected) {
        while (auto record = reader_.next()) {
            expect(taken_ < expected.records.size());
            const auto outcome = random_() % 3;
            kept_.push_back({*std::move(record), taken_++});
            if (outcome != 0 || kept_.size() > 8) let_go(expected);
        }
    }

    void let_go(const Expected& expected) {
        const auto which = random_() % kept_.size();
        expect(
            std::ranges::equal(kept_[which].record.bytes, expected.records[kept_[which].number]));
        kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(which));
    }

    std::minstd_rand random_;
    rpc::BlockPool pool_{std::size_t{1} << 20};
    rpc::RecordReader reader_;
    std::vector<Kept> kept_;
    std::size_t taken_ = 0;
};

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    fuzz::Pieces input{fuzz::input(data, size)};
    const auto seed = input.number(2);
    rpc::RecordReader::Limits limits;
    if (const auto chosen = input.number(1); chosen != 0)
        limits = {.record_bytes_max = chosen * 1000, .fragments_max = 1 + chosen % 16};
    const auto stream = fuzz::make_stream(input);
    fuzz::Feeding{seed, limits}.feed(stream, fuzz::read_plainly(stream, limits));
    return 0;
}
