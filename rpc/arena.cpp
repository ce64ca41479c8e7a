#include "rpc/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace berth::rpc {

std::size_t BlockPool::class_of(std::size_t size) noexcept {
    if (size <= bytes_of(0)) return 0;
    return static_cast<std::size_t>(std::bit_width(size - room_for_headers - 1)) - smallest_log2;
}

BlockPool::Block BlockPool::take(std::size_t size) {
    const auto which = class_of(std::max<std::size_t>(size, 1));
    if (which >= class_count) return {std::make_unique_for_overwrite<std::byte[]>(size), size};
    {
        auto kept = kept_.synchronize();
        auto& [blocks, fewest] = kept->classes[which];
        if (!blocks.empty()) {
            auto block = std::move(blocks.back());
            blocks.pop_back();
            fewest = std::min(fewest, blocks.size());
            kept->bytes -= block.size;
            return block;
        }
    }
    const auto rounded = bytes_of(which);
    return {std::make_unique_for_overwrite<std::byte[]>(rounded), rounded};
}

void BlockPool::give(Block block) noexcept {
    const auto which = class_of(block.size);
    if (which >= class_count || block.size != bytes_of(which)) return;
    auto kept = kept_.synchronize();
    if (kept->bytes + block.size > kept_bytes_max_) return;
    auto& blocks = kept->classes[which].blocks;
    try {
        blocks.push_back(std::move(block));
    } catch (const std::bad_alloc&) {
        return;  // the block goes back to the system instead
    }
    kept->bytes += blocks.back().size;
}

bool BlockPool::trim() noexcept {
    bool any = false;
    auto kept = kept_.synchronize();
    for (auto& [blocks, fewest] : kept->classes) {
        for (; fewest > 0; --fewest) {
            kept->bytes -= blocks.back().size;
            blocks.pop_back();
            any = true;
        }
        fewest = blocks.size();
    }
    return any;
}

std::size_t BlockPool::kept_bytes() const {
    auto kept = kept_.synchronize();
    return kept->bytes;
}

std::span<std::byte> Arena::bytes(std::size_t count) {
    constexpr std::size_t alignment = alignof(std::max_align_t);
    const auto rounded = (count + alignment - 1) / alignment * alignment;
    if (!first_) {
        first_ = std::make_unique_for_overwrite<std::byte[]>(first_block_bytes);
        room_ = {first_.get(), first_block_bytes};
    }
    if (rounded > room_.size()) {
        // A large piece gets a block of its own; small pieces go on using the rest of the last one.
        if (rounded > shared_bytes_max) return take_block(count).first(count);
        room_ = take_block(shared_block_bytes);
    }
    const auto taken = room_.first(count);
    room_ = room_.subspan(rounded);
    return taken;
}

std::span<std::byte> Arena::take_block(std::size_t size) {
    more_.reserve(more_.size() + 1);
    more_.push_back(
        pool_ != nullptr
            ? pool_->take(size)
            : BlockPool::Block{std::make_unique_for_overwrite<std::byte[]>(size), size});
    return {more_.back().bytes.get(), more_.back().size};
}

std::string_view Arena::copy(std::string_view text) {
    const auto to = bytes(text.size());
    if (!text.empty()) std::memcpy(to.data(), text.data(), text.size());
    return {reinterpret_cast<const char*>(to.data()), text.size()};
}

std::size_t Arena::more_bytes() const noexcept {
    std::size_t sum = 0;
    for (const auto& block : more_) sum += block.size;
    return sum;
}

void Arena::reset() noexcept {
    room_ = {first_.get(), first_ ? first_block_bytes : 0};
    while (!more_.empty()) {
        if (pool_ != nullptr) pool_->give(std::move(more_.back()));
        more_.pop_back();
    }
}

}  // namespace berth::rpc
