#include "nfs/vfs/locked_ranges.hpp"

#include <algorithm>
#include <iterator>

namespace berth::vfs {

void LockedRanges::unlock(const ByteRange& range) {
    std::vector<LockedRange> left;
    left.reserve(ranges_.size() + 1);
    for (const auto& held : ranges_) {
        if (!held.range.meets(range)) {
            left.push_back(held);
            continue;
        }
        if (held.range.first < range.first)
            left.push_back({{held.range.first, range.first - 1}, held.kind});
        if (held.range.last > range.last)
            left.push_back({{range.last + 1, held.range.last}, held.kind});
    }
    ranges_ = std::move(left);
}

void LockedRanges::lock(const LockedRange& wanted) {
    unlock(wanted.range);
    auto place = std::ranges::lower_bound(ranges_, wanted.range.first, {},
                                          [](const LockedRange& held) { return held.range.first; });
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
