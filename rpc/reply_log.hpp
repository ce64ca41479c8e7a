// Replies in the order in which they were given, each with the call that it answered: appended at
// one end, dropped at the other. Lies in chunks of memory that are filled from front to back, so
// that the oldest replies are never spread among the newest. One thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "rpc/call_key.hpp"

namespace berth::rpc {

class ReplyLog {
public:
    using Clock = std::chrono::steady_clock;

    /// Followed by the reply's bytes. Stays where it is until it is dropped.
    struct Record {
        CallKey call;
        Clock::time_point answered_at;
        std::size_t reply_bytes = 0;

        [[nodiscard]] std::span<const std::byte> reply() const noexcept {
            return {reinterpret_cast<const std::byte*>(this + 1), reply_bytes};
        }
    };

    /// `chunk_bytes`: of memory taken at once; a larger reply gets a chunk for itself.
    explicit ReplyLog(std::size_t chunk_bytes) noexcept : chunk_bytes_(chunk_bytes) {}

    /// Throws std::bad_alloc; then nothing has changed.
    const Record& append(const CallKey& call, Clock::time_point answered_at,
                         std::span<const std::byte> reply);
    [[nodiscard]] bool is_empty() const noexcept { return chunks_.empty(); }
    /// Only while it is not empty.
    [[nodiscard]] const Record& oldest() const noexcept;
    void drop_oldest() noexcept;

    /// Memory taken, used or not.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// How much of it a reply of this size needs.
    [[nodiscard]] static std::size_t bytes_for(std::size_t reply_bytes) noexcept;

private:
    struct Chunk {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size = 0;
        std::size_t used = 0;
        std::size_t dropped = 0;
    };

    std::unique_ptr<std::byte[]> take_memory(std::size_t size);

    std::deque<Chunk> chunks_;  // none without records
    // Of the chunk that went last. Given back to the allocator and taken again, such chunks would
    // end up between whatever else lives long.
    std::unique_ptr<std::byte[]> spare_;
    std::size_t chunk_bytes_;
    std::size_t bytes_ = 0;
};

}  // namespace berth::rpc
