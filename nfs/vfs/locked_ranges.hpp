// The byte ranges of one file that one owner has locked, and how locking and unlocking change them:
// splitting, merging, upgrading and downgrading as POSIX defines for fcntl(). Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace berth::vfs {

/// Bytes first..last, inclusive; not empty. byte_max stands for the end of file, however far it
/// moves.
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

/// A range and how it is locked.
struct LockedRange {
    ByteRange range;
    LockKind kind = LockKind::shared;
    bool operator==(const LockedRange&) const = default;

    /// Whether two owners can't have both locks.
    [[nodiscard]] bool excludes(const LockedRange& other) const noexcept {
        const bool one_is_exclusive =
            kind == LockKind::exclusive || other.kind == LockKind::exclusive;
        return one_is_exclusive && range.meets(other.range);
    }
};

class LockedRanges {
public:
    /// Locks the whole range in this way, whatever it was before.
    void lock(const LockedRange& wanted);
    /// Unlocks those parts of the range that were locked.
    void unlock(const ByteRange& range);

    /// The next lock() or unlock() then allocates nothing, and so can't fail.
    void make_room();

    /// How much lock() would change size().
    [[nodiscard]] std::ptrdiff_t growth_by_lock(const LockedRange& wanted) const;
    [[nodiscard]] std::ptrdiff_t growth_by_unlock(const ByteRange& range) const;

    /// The first range that would exclude `wanted` for another owner, or nullptr.
    [[nodiscard]] const LockedRange* excluding(const LockedRange& wanted) const noexcept;
    /// Whether the whole range is locked as wanted; an exclusive lock satisfies a shared one too.
    [[nodiscard]] bool cover(const LockedRange& wanted) const noexcept;

    /// Ascending and disjoint; neighbours differ in kind.
    [[nodiscard]] std::span<const LockedRange> all() const noexcept { return ranges_; }
    [[nodiscard]] std::size_t size() const noexcept { return ranges_.size(); }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }

private:
    /// The ranges that meet the range or touch it.
    [[nodiscard]] LockedRanges near(const ByteRange& range) const;

    std::vector<LockedRange> ranges_;
};

}  // namespace berth::vfs
