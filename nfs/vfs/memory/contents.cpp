#include "nfs/vfs/memory/contents.hpp"

#include <algorithm>
#include <cassert>

namespace berth::vfs::memory {
namespace {

/// The block in which an offset lies, and how many of `bytes` bytes from there are in that block.
struct Place {
    std::uint64_t block;
    std::size_t within;
    std::size_t count;
};

Place place_of(std::uint64_t offset, std::size_t bytes) {
    const auto within = static_cast<std::size_t>(offset % Contents::block_bytes);
    return {offset / Contents::block_bytes, within,
            std::min(bytes, static_cast<std::size_t>(Contents::block_bytes) - within)};
}

}  // namespace

std::size_t Contents::read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset >= size_) return 0;
    into =
        into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset)));

    auto next = blocks_.lower_bound(offset / block_bytes);
    for (std::size_t done = 0; done < into.size();) {
        const auto place = place_of(offset + done, into.size() - done);
        const auto part = into.subspan(done, place.count);
        if (next != blocks_.end() && next->first == place.block) {
            std::ranges::copy(std::span{*next->second}.subspan(place.within, place.count),
                              part.begin());
            ++next;
        } else {
            std::ranges::fill(part, std::byte{0});
        }
        done += place.count;
    }
    return into.size();
}

std::size_t Contents::write(std::uint64_t offset, std::span<const std::byte> data,
                            Capacity& budget) {
    assert(offset + data.size() >= offset);
    std::size_t done = 0;
    auto next = blocks_.lower_bound(offset / block_bytes);
    while (done < data.size()) {
        const auto place = place_of(offset + done, data.size() - done);
        if (next == blocks_.end() || next->first != place.block) {
            if (budget.left() < block_bytes) break;
            auto block = place.count == block_bytes ? std::make_unique_for_overwrite<Block>()
                                                    : std::make_unique<Block>();
            next = blocks_.emplace_hint(next, place.block, std::move(block));
            budget.charge(block_bytes);
        }
        const auto part = data.subspan(done, place.count);
        std::ranges::copy(part, std::span{*next->second}.subspan(place.within).begin());
        ++next;
        done += place.count;
        size_ = std::max(size_, offset + done);  // size_ never lags behind, even if memory runs out
    }
    return done;
}

void Contents::resize(std::uint64_t size, Capacity& budget) {
    if (size < size_) {
        const auto place = place_of(size, 0);
        auto doomed = blocks_.lower_bound(place.block);
        // The bytes that are cut off must read as zeros if the file grows again.
        if (place.within != 0 && doomed != blocks_.end() && doomed->first == place.block) {
            std::ranges::fill(std::span{*doomed->second}.subspan(place.within), std::byte{0});
            ++doomed;
        }
        const auto before = used();
        blocks_.erase(doomed, blocks_.end());
        budget.give_back(before - used());
    }
    size_ = size;
}

}  // namespace berth::vfs::memory
