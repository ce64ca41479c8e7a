// The byte ranges of one file that one owner has locked, and how locking and unlocking changes
// them: splitting, merging, upgrading and downgrading as POSIX has it for fcntl(). Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace berth::vfs {

/// Bytes first..last, both included; not empty. The end of file, however far it moves, is byte_max.
struct ByteRange {
    static constexpr std::uint64_t byte_max = std::numeric_limits<std::int64_t>::max();

    std::uint64_t first = 0;
    std::uint64_t last = byte_max;
    bool operator==(const ByteRange&) const = default;

    [[nodiscard]] bool meets(const ByteRange& other) const noexcept {
        return first <= other.last && other.first <= last;
    }
};

enum class LockKind : std::uint8_t { shared, exclusive };

/// A range locked by somebody.
struct LockedRange {
    ByteRange range;
    LockKind kind = LockKind::shared;
    bool operator==(const LockedRange&) const = default;

    /// Whether two owners can't have both.
    [[nodiscard]] bool excludes(const LockedRange& other) const noexcept {
        const bool one_is_exclusive =
            kind == LockKind::exclusive || other.kind == LockKind::exclusive;
        return one_is_exclusive && range.meets(other.range);
    }
};

class LockedRanges {
public:
    /// From now on the whole range is locked in this way, whatever it was before.
    void lock(const LockedRange& wanted);
    /// Unlocks what of the range was locked.
    void unlock(const ByteRange& range);

    /// By how much lock() would change size().
    [[nodiscard]] std::ptrdiff_t growth_by_lock(const LockedRange& wanted) const;
    [[nodiscard]] std::ptrdiff_t growth_by_unlock(const ByteRange& range) const;

    /// The first that excludes `wanted` of somebody else, or nullptr.
    [[nodiscard]] const LockedRange* excluding(const LockedRange& wanted) const noexcept;
    /// Whether all of the range is locked, in this way or an exclusive one where shared is asked.
    [[nodiscard]] bool cover(const LockedRange& wanted) const noexcept;

    /// Ascending and disjoint; neighbours differ in kind.
    [[nodiscard]] std::span<const LockedRange> all() const noexcept { return ranges_; }
    [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }

private:
    /// Those that meet the range or are next to it.
    [[nodiscard]] LockedRanges near(const ByteRange& range) const;

    std::vector<LockedRange> ranges_;
};

}  // namespace berth::vfs
