#include "rpc/reply_log.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace berth::rpc {

static_assert(std::is_trivially_destructible_v<ReplyLog::Record>);
static_assert(alignof(ReplyLog::Record) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

std::size_t ReplyLog::bytes_for(std::size_t reply_bytes) noexcept {
    constexpr std::size_t alignment = alignof(Record);
    return sizeof(Record) + (reply_bytes + alignment - 1) / alignment * alignment;
}

std::unique_ptr<std::byte[]> ReplyLog::take_memory(std::size_t size) {
    if (size == chunk_bytes_ && spare_) return std::move(spare_);
    auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    bytes_ += size;
    return memory;
}

const ReplyLog::Record& ReplyLog::append(const CallKey& call, Clock::time_point answered_at,
                                         std::span<const std::byte> reply) {
    const auto needed = bytes_for(reply.size());
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < needed) {
        const auto usual = std::min(std::max(first_chunk_bytes, bytes_), chunk_bytes_);
        const auto size = std::max(usual, needed);
        chunks_.emplace_back();
        try {
            chunks_.back() = {.memory = take_memory(size), .size = size};
        } catch (...) {
            chunks_.pop_back();
            throw;
        }
    }
    auto& chunk = chunks_.back();
    auto* const at = chunk.memory.get() + chunk.used;
    chunk.used += needed;
    std::ranges::copy(reply, at + sizeof(Record));
    return *std::construct_at(reinterpret_cast<Record*>(at),
                              Record{call, answered_at, reply.size()});
}

const ReplyLog::Record& ReplyLog::oldest() const noexcept {
    assert(!is_empty());
    const auto& chunk = chunks_.front();
    return *reinterpret_cast<const Record*>(chunk.memory.get() + chunk.dropped);
}

void ReplyLog::drop_oldest() noexcept {
    const auto freed = bytes_for(oldest().reply_bytes);
    auto& chunk = chunks_.front();
    chunk.dropped += freed;
    if (chunk.dropped < chunk.used) return;
    if (chunk.size == chunk_bytes_ && !spare_) {
        spare_ = std::move(chunk.memory);
    } else {
        bytes_ -= chunk.size;
    }
    chunks_.pop_front();
    if (chunks_.empty() && std::exchange(spare_, nullptr)) bytes_ -= chunk_bytes_;
}

}  // namespace berth::rpc
