#include "rpc/arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace berth::rpc {

std::size_t BlockPool::class_of(std::size_t size) noexcept {
    const auto log2 = static_cast<std::size_t>(std::bit_width(size - 1));
    return log2 <= smallest_log2 ? 0 : log2 - smallest_log2;
}

BlockPool::Block BlockPool::take(std::size_t size) {
    const auto which = class_of(std::max<std::size_t>(size, 1));
    if (which >= class_count) return {std::make_unique_for_overwrite<std::byte[]>(size), size};
    {
        const std::scoped_lock held{lock_};
        auto& kept = kept_[which];
        if (!kept.blocks.empty()) {
            auto block = std::move(kept.blocks.back());
            kept.blocks.pop_back();
            kept.fewest = std::min(kept.fewest, kept.blocks.size());
            kept_bytes_ -= block.size;
            return block;
        }
    }
    const auto rounded = std::size_t{1} << (smallest_log2 + which);
    return {std::make_unique_for_overwrite<std::byte[]>(rounded), rounded};
}

void BlockPool::give(Block block) noexcept {
    const auto which = class_of(block.size);
    if (which >= class_count || !std::has_single_bit(block.size)) return;
    const std::scoped_lock held{lock_};
    if (kept_bytes_ + block.size > kept_bytes_max_) return;
    auto& kept = kept_[which].blocks;
    try {
        kept.push_back(std::move(block));
    } catch (const std::bad_alloc&) {
        return;  // the block goes back to the system instead
    }
    kept_bytes_ += kept.back().size;
}

bool BlockPool::trim() noexcept {
    bool any = false;
    const std::scoped_lock held{lock_};
    for (auto& kept : kept_) {
        for (; kept.fewest > 0; --kept.fewest) {
            kept_bytes_ -= kept.blocks.back().size;
            kept.blocks.pop_back();
            any = true;
        }
        kept.fewest = kept.blocks.size();
    }
    return any;
}

std::size_t BlockPool::kept_bytes() const {
    const std::scoped_lock held{lock_};
    return kept_bytes_;
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
