// Memory that lives exactly as long as one call. Handlers put data there that a reply only
// references. An arena allocates by bumping a pointer; reset() keeps the first block, so a call on
// the steady path allocates nothing. One thread at a time uses an arena.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

namespace berth::rpc {

/// Large blocks that calls pass on to later calls instead of returning them to the system (which
/// would map and zero them again each time). All threads share the pool; it keeps at most
/// `kept_bytes_max`.
class BlockPool {
public:
    explicit BlockPool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;
    struct Block {
        std::unique_ptr<std::byte[]> bytes;
        std::size_t size = 0;
    };
    /// At least `size` bytes, uninitialised. Throws std::bad_alloc.
    Block take(std::size_t size);
    void give(Block block) noexcept;
    /// Returns the blocks that nobody has needed since the last trim() to the system. True if there
    /// were any.
    bool trim() noexcept;
    [[nodiscard]] std::size_t kept_bytes() const;

private:
    // Blocks are powers of two from 16 KiB to 2 MiB, and what a WRITE of that length has before its
    // data; larger ones are not kept.
    static constexpr std::size_t smallest_log2 = 14;
    static constexpr std::size_t class_count = 8;
    static constexpr std::size_t room_for_headers = 1024;
    static constexpr std::size_t bytes_of(std::size_t which) noexcept {
        return (std::size_t{1} << (smallest_log2 + which)) + room_for_headers;
    }
    static std::size_t class_of(std::size_t size) noexcept;

    struct OfClass {
        std::vector<Block> blocks;
        std::size_t fewest = 0;  // since the last trim
    };
    struct Kept {
        std::array<OfClass, class_count> classes;
        std::size_t bytes = 0;
    };

    const std::size_t kept_bytes_max_;
    boost::synchronized_value<Kept, std::mutex> kept_;
};

class Arena {
public:
    /// Without a pool, large blocks come from the heap.
    explicit Arena(BlockPool* pool = nullptr) noexcept : pool_(pool) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() { reset(); }

    /// Uninitialised bytes, aligned for any type, good until reset(). Throws std::bad_alloc.
    std::span<std::byte> bytes(std::size_t count);
    /// The same for `count` values of a type that needs no construction.
    template <class T>
        requires(std::is_trivial_v<T>)
    std::span<T> array(std::size_t count) {
        return {reinterpret_cast<T*>(bytes(count * sizeof(T)).data()), count};
    }
    /// A copy of `text`, good until reset().
    std::string_view copy(std::string_view text);

    void reset() noexcept;
    /// The size of the block that the arena always keeps.
    static constexpr std::size_t first_block_bytes = 2048;
    /// Memory taken since the last reset(), beyond the first block.
    [[nodiscard]] std::size_t more_bytes() const noexcept;

private:
    static constexpr std::size_t shared_block_bytes = 16384;
    static constexpr std::size_t shared_bytes_max = shared_block_bytes / 4;

    std::span<std::byte> take_block(std::size_t size);

    BlockPool* pool_;
    std::unique_ptr<std::byte[]> first_;
    std::vector<BlockPool::Block> more_;
    std::span<std::byte> room_;  // the part of the current block that is still free
};

}  // namespace berth::rpc
