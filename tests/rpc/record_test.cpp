#include "rpc/record.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"
#include "tests/support/bytes.hpp"

namespace berth::rpc {
namespace {

using test::bytes_of;
using test::bytes_of_hex;
using test::hex_of;
using Bytes = std::vector<std::byte>;
using Records = std::vector<Bytes>;

void append(Bytes& to, std::span<const std::byte> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_fragment(Bytes& to, std::span<const std::byte> payload, bool is_last) {
    xdr::Writer mark;
    mark.u32((is_last ? 0x80000000U : 0U) | static_cast<std::uint32_t>(payload.size()));
    append(to, mark.flat());
    append(to, payload);
}

Bytes payload(std::size_t size, unsigned first) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((first + i) % 251);
    return bytes;
}

/// A reader with its pool; keeps the records that have come out, as deferred calls do.
class Stream {
public:
    explicit Stream(const RecordReader::Limits& limits = {}) : reader_(pool_, limits) {}

    /// Receives all of it, in as many steps as the reader's space makes necessary.
    void receive(std::span<const std::byte> bytes) {
        while (!bytes.empty() && !reader_.is_broken()) {
            const auto space = reader_.space();
            ASSERT_FALSE(space.empty());
            const auto count = std::min(space.size(), bytes.size());
            std::ranges::copy(bytes.first(count), space.begin());
            reader_.received(count);
            bytes = bytes.subspan(count);
            while (auto record = reader_.next()) kept_.push_back(std::move(*record));
        }
    }
    /// What has come out and was not taken yet.
    Records take() {
        Records all;
        for (const auto& record : std::exchange(kept_, {}))
            all.emplace_back(record.bytes.begin(), record.bytes.end());
        return all;
    }
    RecordReader& reader() { return reader_; }
    std::vector<Record>& kept() { return kept_; }

private:
    BlockPool pool_{std::size_t{1} << 20};
    RecordReader reader_;
    std::vector<Record> kept_;
};

TEST(RecordReader, OneFragmentIsOneRecord) {
    Stream stream;
    stream.receive(bytes_of_hex("80000004 61626364"));
    EXPECT_EQ(stream.take(), Records{bytes_of_hex("61626364")});
    stream.receive(bytes_of_hex("80000000"));
    EXPECT_EQ(stream.take(), Records{Bytes{}});
}

TEST(RecordReader, FragmentsAreJoined) {
    Stream stream;
    stream.receive(bytes_of_hex("00000003 616263"
                                "00000000"
                                "00000001 64"
                                "80000002 6566"));
    EXPECT_EQ(stream.take(), Records{bytes_of_hex("616263646566")});
    // The last may be empty.
    stream.receive(bytes_of_hex("00000002 6162 80000000"));
    EXPECT_EQ(stream.take(), Records{bytes_of_hex("6162")});
}

/// Three records of several fragments each, and the records themselves.
std::pair<Bytes, Records> three_records() {
    Bytes stream;
    append_fragment(stream, bytes_of("ab"), false);
    append_fragment(stream, bytes_of(""), false);
    append_fragment(stream, bytes_of("cdefg"), true);
    append_fragment(stream, bytes_of("hij"), true);
    append_fragment(stream, bytes_of("k"), false);
    append_fragment(stream, bytes_of("lm"), false);
    append_fragment(stream, bytes_of(""), true);
    Records records;
    for (const auto* text : {"abcdefg", "hij", "klm"}) {
        const auto bytes = bytes_of(text);
        records.emplace_back(bytes.begin(), bytes.end());
    }
    return {stream, records};
}

TEST(RecordReader, WhereverTheBytesAreCutTheRecordsAreTheSame) {
    const auto [bytes, records] = three_records();
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t second = first; second <= bytes.size(); ++second) {
            Stream stream;
            stream.receive(std::span{bytes}.first(first));
            stream.receive(std::span{bytes}.subspan(first, second - first));
            stream.receive(std::span{bytes}.subspan(second));
            ASSERT_EQ(stream.take(), records) << "cut at " << first << " and " << second;
        }
    }
}

TEST(RecordReader, OneByteAtATime) {
    const auto [bytes, records] = three_records();
    Stream stream;
    for (int round = 0; round < 3; ++round) {
        for (const auto byte : bytes) stream.receive({&byte, 1});
        EXPECT_EQ(stream.take(), records);
        stream.reader().rest();
    }
}

TEST(RecordReader, TheSumOfTheFragmentsIsBounded) {
    const RecordReader::Limits limits{.record_bytes_max = 10, .fragments_max = 100};
    Stream exact{limits};
    exact.receive(bytes_of_hex("00000004 61616161 80000006 626262626262"));
    EXPECT_EQ(exact.take().size(), 1U);
    EXPECT_FALSE(exact.reader().is_broken());
    // Refused by the claim, before any of it is there.
    Stream more{limits};
    more.receive(bytes_of_hex("00000004 61616161 80000007"));
    EXPECT_TRUE(more.reader().is_broken());
    Stream at_once{limits};
    at_once.receive(bytes_of_hex("8000000b"));
    EXPECT_TRUE(at_once.reader().is_broken());
}

TEST(RecordReader, TheNumberOfFragmentsIsBounded) {
    const RecordReader::Limits limits{.record_bytes_max = 100, .fragments_max = 3};
    Stream exact{limits};
    exact.receive(bytes_of_hex("00000001 61 00000001 62 80000001 63"));
    EXPECT_EQ(exact.take(), Records{bytes_of_hex("616263")});
    // The count starts anew with each record.
    exact.receive(bytes_of_hex("00000000 00000000 80000000"));
    EXPECT_EQ(exact.take().size(), 1U);
    exact.receive(bytes_of_hex("00000000 00000000 00000000 80000000"));
    EXPECT_TRUE(exact.reader().is_broken());
    EXPECT_TRUE(exact.take().empty());
}

TEST(RecordReader, AFloodOfEmptyFragmentsEnds) {
    Stream stream;
    const Bytes zeroes(std::size_t{1} << 16);
    test::forget_allocations();
    for (int i = 0; i < 1000 && !stream.reader().is_broken(); ++i) stream.receive(zeroes);
    EXPECT_TRUE(stream.reader().is_broken());
    EXPECT_LE(test::allocations().bytes, std::size_t{1} << 17);
}

TEST(RecordReader, NothingComesOutOfABrokenStream) {
    Stream stream{{.record_bytes_max = 10, .fragments_max = 10}};
    stream.receive(bytes_of_hex("80000001 61 8000000b 80000001 62"));
    EXPECT_TRUE(stream.reader().is_broken());
    EXPECT_EQ(stream.take(), Records{bytes_of_hex("61")});
    EXPECT_FALSE(stream.reader().next());
}

TEST(RecordReader, AClaimAllocatesNothing) {
    for (const auto* claim : {"ffffffff", "7fffffff", "80101001"}) {
        Stream stream;
        test::forget_allocations();
        stream.receive(bytes_of_hex(claim));
        EXPECT_TRUE(stream.reader().is_broken()) << claim;
        EXPECT_LE(test::allocations().largest, 66560U) << claim;
    }
    // The most that is allowed: the buffer still grows only with what arrives.
    Stream stream;
    test::forget_allocations();
    stream.receive(bytes_of_hex("80100fff"));
    stream.receive(payload(60'000, 0));
    EXPECT_LE(test::allocations().bytes, std::size_t{1} << 17);
    EXPECT_FALSE(stream.reader().is_broken());
}

TEST(RecordReader, RecordsHandedOutStayAsTheyWere) {
    Stream stream;
    Records expected;
    for (unsigned i = 0; i < 200; ++i) {
        expected.push_back(payload(i % 7 == 0 ? 70'000 + i : 900 + i, i));
        Bytes bytes;
        append_fragment(bytes, std::span{expected.back()}.first(500), false);
        append_fragment(bytes, std::span{expected.back()}.subspan(500), true);
        stream.receive(bytes);
        if (i % 5 == 0) stream.reader().rest();
    }
    EXPECT_EQ(stream.take(), expected);
}

TEST(RecordReader, LargeRecordsBetweenSmallOnes) {
    Stream stream;
    for (unsigned round = 0; round < 3; ++round) {
        for (const std::size_t size :
             {4U, 1U << 20, 4U, 100'000U, 65'532U, 65'533U, 65'536U, 40U}) {
            const auto expected = payload(size, round);
            Bytes bytes;
            append_fragment(bytes, expected, true);
            append_fragment(bytes, bytes_of("next"), true);
            stream.receive(bytes);
            const auto taken = stream.take();
            ASSERT_EQ(taken.size(), 2U) << size;
            EXPECT_EQ(taken[0], expected) << size;
            EXPECT_EQ(hex_of(taken[1]), "6e657874") << size;
        }
    }
}

TEST(RecordReader, ASilentConnectionHoldsNoBuffer) {
    BlockPool pool{0};
    RecordReader reader{pool, {}};
    const auto call = bytes_of_hex("80000004 61626364");
    std::ranges::copy(call, reader.space().begin());
    reader.received(call.size());
    auto record = reader.next();
    ASSERT_TRUE(record);
    auto* const buffer = record->owner.get();
    // While the record is in use, what comes next goes behind it.
    reader.rest();
    EXPECT_EQ(reader.space().data(), buffer->bytes().data() + call.size());
    EXPECT_FALSE(buffer->is_unique());
    reader.rest();
    EXPECT_FALSE(buffer->is_unique());
    // Then the reader's is the only pointer, and rest() gives it up.
    auto owner = std::move(record->owner);
    record.reset();
    EXPECT_FALSE(owner->is_unique());
    owner.reset();
    test::forget_allocations();
    reader.rest();
    EXPECT_FALSE(reader.space().empty());
    EXPECT_GE(test::allocations().bytes, std::size_t{1} << 16);
}

TEST(RecordReader, ASteadyStreamNeedsNoNewBuffers) {
    Stream stream;
    Bytes call;
    append_fragment(call, payload(5000, 1), true);
    for (int i = 0; i < 100; ++i) {
        stream.receive(call);
        stream.kept().clear();
    }
    test::forget_allocations();
    for (int i = 0; i < 1000; ++i) {
        stream.receive(call);
        stream.kept().clear();
    }
    EXPECT_LE(test::allocations().largest, 256U);
}

/// What RFC 5531 §11 says, without a thought for speed.
Records naive_records(std::span<const std::byte> bytes) {
    Records records;
    Bytes current;
    while (bytes.size() >= 4) {
        const auto mark = xdr::Reader{bytes.first(4)}.u32();
        const std::size_t length = mark & 0x7FFFFFFF;
        if (bytes.size() - 4 < length) break;
        append(current, bytes.subspan(4, length));
        bytes = bytes.subspan(4 + length);
        if ((mark & 0x80000000) == 0) continue;
        records.push_back(std::move(current));
        current.clear();
    }
    return records;
}

TEST(RecordReader, RandomStreamsAgreeWithTheNaiveModel) {
    const auto* const text = std::getenv("BERTH_SEED");
    const auto seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
    SCOPED_TRACE("BERTH_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
    for (int round = 0; round < 60; ++round) {
        Bytes bytes;
        const auto typical = std::size_t{1} << below(18);
        for (std::size_t i = 0, count = 1 + below(60); i < count; ++i)
            append_fragment(bytes, payload(below(typical + 1), static_cast<unsigned>(i)),
                            below(3) != 0);
        bytes.resize(bytes.size() - below(std::min<std::size_t>(bytes.size(), 9)));

        Stream stream{{.record_bytes_max = std::size_t{1} << 26, .fragments_max = 1000}};
        Records taken;
        std::span<const std::byte> rest{bytes};
        const auto step = std::size_t{1} << below(20);
        while (!rest.empty()) {
            const auto count = std::min(rest.size(), 1 + below(step));
            stream.receive(rest.first(count));
            rest = rest.subspan(count);
            if (below(4) == 0) std::ranges::move(stream.take(), std::back_inserter(taken));
            if (below(4) == 0) stream.reader().rest();
        }
        std::ranges::move(stream.take(), std::back_inserter(taken));
        ASSERT_FALSE(stream.reader().is_broken());
        ASSERT_EQ(taken, naive_records(bytes)) << "round " << round;
    }
}

}  // namespace
}  // namespace berth::rpc
