// The bytes of a regular file. Only blocks that were written exist; the rest is holes, which read
// as zeros and cost nothing. The caller does the locking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "nfs/vfs/memory/capacity.hpp"

namespace berth::vfs::memory {

class Contents {
public:
    static constexpr std::uint64_t block_bytes = 4096;

    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Bytes in blocks that exist: the amount charged to the budget.
    [[nodiscard]] std::uint64_t used() const { return blocks_.size() * block_bytes; }

    /// Returns the bytes read: fewer than asked only at the end of the file.
    std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;

    /// Returns the bytes written: fewer than given if the budget runs out. offset + data.size()
    /// must not wrap.
    std::size_t write(std::uint64_t offset, std::span<const std::byte> data, Capacity& budget);

    void resize(std::uint64_t size, Capacity& budget);

private:
    using Block = std::array<std::byte, block_bytes>;

    std::map<std::uint64_t, std::unique_ptr<Block>> blocks_;  // by offset / block_bytes
    std::uint64_t size_ = 0;
};

}  // namespace berth::vfs::memory
