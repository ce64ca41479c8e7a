#include "rpc/net/odd_record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace berth::rpc::net {
namespace {

constexpr std::uint32_t last_fragment_bit = 0x80000000;
/// Pieces of a slow reply come this often, or byte by byte.
constexpr std::uint64_t pieces_per_second = 20;

void append_mark(std::vector<std::byte>& bytes, std::size_t size, bool is_last) {
    const auto mark = static_cast<std::uint32_t>(size) | (is_last ? last_fragment_bit : 0);
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<std::byte>(mark >> shift & 0xFF));
}

/// In fragments that differ by one byte at most.
std::vector<std::byte> in_fragments(std::span<const std::byte> message, std::size_t count) {
    count = std::clamp<std::size_t>(count, 1, std::max<std::size_t>(message.size(), 1));
    std::vector<std::byte> bytes;
    bytes.reserve(message.size() + count * sizeof(std::uint32_t));
    for (std::size_t at = 0; at < count; ++at) {
        const auto begin = message.size() * at / count;
        const auto end = message.size() * (at + 1) / count;
        append_mark(bytes, end - begin, at + 1 == count);
        const auto fragment = message.subspan(begin, end - begin);
        bytes.insert(bytes.end(), fragment.begin(), fragment.end());
    }
    return bytes;
}

}  // namespace

OddRecord::OddRecord(const xdr::Writer& message, const Manner& manner, Departure::Act then)
    : manner_(manner),
      then_(then),
      bytes_(in_fragments(message.flat(), manner.fragments)) {
    if (manner.cut_at) bytes_.resize(std::min(bytes_.size(), *manner.cut_at));
}

std::size_t OddRecord::next_bytes() const noexcept {
    auto count = bytes_.size() - sent_;
    if (manner_.segment_bytes > 0) count = std::min(count, manner_.segment_bytes);
    if (manner_.bytes_per_second > 0)
        count = std::min<std::size_t>(
            count, std::max<std::uint64_t>(1, manner_.bytes_per_second / pieces_per_second));
    return count;
}

OddRecord::Step OddRecord::send_some(RecordSender& sender) {
    constexpr int pieces_per_turn = 1000;
    for (int turn = 0; turn < pieces_per_turn; ++turn) {
        if (sent_ == bytes_.size()) return Step::done;
        const auto piece = std::span{bytes_}.subspan(sent_, next_bytes());
        const bool is_last = sent_ + piece.size() == bytes_.size();
        std::size_t sent = 0;
        const auto end = sender.send_part({.bytes = piece,
                                           .ends_record = is_last && !manner_.cut_at,
                                           .is_one_packet = manner_.segment_bytes > 0},
                                          sent);
        sent_ += sent;
        switch (end) {
        case RecordSender::End::sent: break;
        case RecordSender::End::would_block: return Step::would_block;
        case RecordSender::End::must_wait: return Step::must_wait;
        case RecordSender::End::failed: return Step::failed;
        }
        if (manner_.bytes_per_second == 0) continue;
        constexpr std::chrono::nanoseconds second = std::chrono::seconds{1};
        pause_ = std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(
            static_cast<double>(second.count()) * static_cast<double>(sent) /
            static_cast<double>(manner_.bytes_per_second))};
        return Step::paused;
    }
    return Step::again;
}

}  // namespace berth::rpc::net
