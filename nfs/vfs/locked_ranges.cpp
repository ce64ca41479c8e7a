#include "nfs/vfs/locked_ranges.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace berth::vfs {

namespace {

constexpr auto first_of = [](const LockedRange& held) { return held.range.first; };
constexpr auto last_of = [](const LockedRange& held) { return held.range.last; };

}  // namespace

void LockedRanges::make_room() {
    constexpr std::size_t growth_max = 2;
    if (ranges_.capacity() - ranges_.size() < growth_max)
        ranges_.reserve(std::max(2 * ranges_.capacity(), ranges_.size() + growth_max));
}

void LockedRanges::unlock(const ByteRange& range) {
    const auto from = std::ranges::lower_bound(ranges_, range.first, {}, last_of);
    const auto to = std::ranges::upper_bound(from, ranges_.end(), range.last, {}, first_of);
    if (from == to) return;
    std::array<LockedRange, 2> left;
    auto* end = left.data();
    if (from->range.first < range.first)
        *end++ = {{from->range.first, range.first - 1}, from->kind};
    if (const auto& last = *std::prev(to); last.range.last > range.last)
        *end++ = {{range.last + 1, last.range.last}, last.kind};
    ranges_.insert(ranges_.erase(from, to), left.data(), end);
}

void LockedRanges::lock(const LockedRange& wanted) {
    unlock(wanted.range);
    auto place = std::ranges::lower_bound(ranges_, wanted.range.first, {}, first_of);
    place = ranges_.insert(place, wanted);
    const auto joins = [](const LockedRange& left, const LockedRange& right) {
        return left.kind == right.kind && left.range.last + 1 == right.range.first;
    };
    if (const auto next = std::next(place); next != ranges_.end() && joins(*place, *next)) {
        place->range.last = next->range.last;
        ranges_.erase(next);
    }
    if (place != ranges_.begin() && joins(*std::prev(place), *place)) {
        std::prev(place)->range.last = place->range.last;
        ranges_.erase(place);
    }
}

LockedRanges LockedRanges::near(const ByteRange& range) const {
    const auto before = range.first - std::min<std::uint64_t>(range.first, 1);
    const auto from = std::ranges::lower_bound(ranges_, before, {}, last_of);
    const auto to = std::ranges::upper_bound(from, ranges_.end(), range.last + 1, {}, first_of);
    LockedRanges found;
    found.ranges_.assign(from, to);
    return found;
}

std::ptrdiff_t LockedRanges::growth_by_lock(const LockedRange& wanted) const {
    auto changed = near(wanted.range);
    const auto before = std::ssize(changed.ranges_);
    changed.lock(wanted);
    return std::ssize(changed.ranges_) - before;
}

std::ptrdiff_t LockedRanges::growth_by_unlock(const ByteRange& range) const {
    auto changed = near(range);
    const auto before = std::ssize(changed.ranges_);
    changed.unlock(range);
    return std::ssize(changed.ranges_) - before;
}

const LockedRange* LockedRanges::excluding(const LockedRange& wanted) const noexcept {
    const auto found = std::ranges::find_if(
        ranges_, [&](const LockedRange& held) { return held.excludes(wanted); });
    return found == ranges_.end() ? nullptr : &*found;
}

bool LockedRanges::cover(const LockedRange& wanted) const noexcept {
    auto next = wanted.range.first;
    for (const auto& held : ranges_) {
        if (held.range.last < next) continue;
        const bool is_enough = held.kind == LockKind::exclusive || wanted.kind == LockKind::shared;
        if (held.range.first > next || !is_enough) return false;
        if (held.range.last >= wanted.range.last) return true;
        next = held.range.last + 1;
    }
    return false;
}

}  // namespace berth::vfs
