// A shared block of memory from a pool. It holds received bytes; the connection that still receives
// into it and the calls that still read from it own it together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "rpc/arena.hpp"
#include "rpc/budget.hpp"

namespace berth::rpc {

class Buffer;
using BufferPtr = boost::intrusive_ptr<Buffer>;

class Buffer {
public:
    /// The pool outlives the buffer.
    static BufferPtr make(BlockPool& pool, std::size_t size) {
        return BufferPtr{new Buffer{pool, size}};
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] std::span<std::byte> bytes() const noexcept {
        return {block_.bytes.get(), block_.size};
    }
    [[nodiscard]] std::size_t size() const noexcept { return block_.size; }

    /// Counts the bytes against the client until they are freed, unless they are counted already.
    /// Only the thread that receives into the buffer calls it.
    void charge(const Budget::AccountPtr& account) noexcept {
        if (!share_.has_account()) share_ = Budget::Share{account, block_.size};
    }

    /// These two release the bytes and take others in their place. Only the sole owner calls them.
    void give_back() noexcept {
        pool_.give(std::exchange(block_, {}));
        share_.release();
    }
    void take_again(std::size_t size) { block_ = pool_.take(size); }

    /// Whether the caller holds the only pointer. If so, other threads have finished with the
    /// bytes.
    [[nodiscard]] bool is_unique() const noexcept {
        return owners_.load(std::memory_order_acquire) == 1;
    }

private:
    Buffer(BlockPool& pool, std::size_t size) : pool_(pool), block_(pool.take(size)) {}
    ~Buffer() { pool_.give(std::move(block_)); }

    friend void intrusive_ptr_add_ref(Buffer* buffer) noexcept {
        buffer->owners_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(Buffer* buffer) noexcept {
        if (buffer->owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete buffer;
    }

    BlockPool& pool_;
    BlockPool::Block block_;
    Budget::Share share_;
    std::atomic<std::uint32_t> owners_{0};
};

}  // namespace berth::rpc
