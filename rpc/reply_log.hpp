// Replies in the order in which they were given, each with the call that it answered: appended at
// one end, dropped at the other. They lie in chunks of memory that are filled from front to back,
// so the oldest replies never lie among the newest. One thread at a time.
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

    /// The reply's bytes follow it. A record stays in place until it is dropped.
    struct Record {
        CallKey call;
        Clock::time_point answered_at;
        std::size_t reply_bytes = 0;

        [[nodiscard]] std::span<const std::byte> reply() const noexcept {
            return {reinterpret_cast<const std::byte*>(this + 1), reply_bytes};
        }
    };

    /// `chunk_bytes`: the most memory taken at once; a larger reply gets a chunk of its own. The
    /// first chunks are smaller, for logs that stay short. Throws std::bad_alloc.
    explicit ReplyLog(std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

    /// Throws std::bad_alloc; the log is then unchanged.
    const Record& append(const CallKey& call, Clock::time_point answered_at,
                         std::span<const std::byte> reply);
    [[nodiscard]] bool is_empty() const noexcept { return chunks_.empty(); }
    /// Only while it is not empty.
    [[nodiscard]] const Record& oldest() const noexcept;
    void drop_oldest() noexcept;

    /// Memory taken, whether used or not.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// How much of that memory a reply of this size needs.
    [[nodiscard]] static std::size_t bytes_for(std::size_t reply_bytes) noexcept;

private:
    struct Chunk {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size = 0;
        std::size_t used = 0;
        std::size_t dropped = 0;
    };

    static constexpr std::size_t first_chunk_bytes = 1024;

    std::unique_ptr<std::byte[]> take_memory(std::size_t size);

    std::deque<Chunk> chunks_;  // empty if there are no records
    // The memory of the last chunk that was dropped. If it were returned to the allocator and taken
    // again, such chunks would end up between other long-lived allocations.
    std::unique_ptr<std::byte[]> spare_;
    std::size_t chunk_bytes_;
    std::size_t bytes_ = 0;
};

}  // namespace berth::rpc
