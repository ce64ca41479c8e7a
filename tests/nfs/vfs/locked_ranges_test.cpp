// POSIX's rules for the ranges of one owner: golden cases, and random ones against an array of
// bytes.
#include "nfs/vfs/locked_ranges.hpp"

#include <array>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::vfs {

static void PrintTo(const LockedRange& held, std::ostream* out) {
    *out << (held.kind == LockKind::exclusive ? "exclusive " : "shared ") << held.range.first
         << ".." << held.range.last;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr LockedRange shared(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, LockKind::shared};
}
constexpr LockedRange exclusive(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, LockKind::exclusive};
}

TEST(LockedRanges, UnlockingTheMiddleSplits) {
    LockedRanges ranges;
    ranges.lock(exclusive(10, 19));
    ranges.unlock({13, 15});
    EXPECT_THAT(ranges.all(), ElementsAre(exclusive(10, 12), exclusive(16, 19)));
    ranges.unlock({0, 11});
    EXPECT_THAT(ranges.all(), ElementsAre(exclusive(12, 12), exclusive(16, 19)));
    ranges.unlock({});
    EXPECT_THAT(ranges.all(), IsEmpty());
}

TEST(LockedRanges, NeighboursOfOneKindMerge) {
    LockedRanges ranges;
    ranges.lock(shared(0, 9));
    ranges.lock(shared(20, 29));
    ranges.lock(shared(10, 19));
    EXPECT_THAT(ranges.all(), ElementsAre(shared(0, 29)));
    ranges.lock(exclusive(30, 39));
    EXPECT_THAT(ranges.all(), ElementsAre(shared(0, 29), exclusive(30, 39)));
}

TEST(LockedRanges, UpgradingAndDowngradingChangeOnlyTheRange) {
    LockedRanges ranges;
    ranges.lock(shared(0, 99));
    ranges.lock(exclusive(40, 49));
    EXPECT_THAT(ranges.all(), ElementsAre(shared(0, 39), exclusive(40, 49), shared(50, 99)));
    ranges.lock(shared(45, 60));
    EXPECT_THAT(ranges.all(), ElementsAre(shared(0, 39), exclusive(40, 44), shared(45, 99)));
}

TEST(LockedRanges, TheEndOfFileIsAPlaceLikeAnyOther) {
    LockedRanges ranges;
    ranges.lock(exclusive(5, ByteRange::byte_max));
    ranges.unlock({ByteRange::byte_max, ByteRange::byte_max});
    EXPECT_THAT(ranges.all(), ElementsAre(exclusive(5, ByteRange::byte_max - 1)));
    ranges.lock(exclusive(ByteRange::byte_max, ByteRange::byte_max));
    EXPECT_THAT(ranges.all(), ElementsAre(exclusive(5, ByteRange::byte_max)));
    EXPECT_NE(ranges.excluding(shared(ByteRange::byte_max, ByteRange::byte_max)), nullptr);
    EXPECT_EQ(ranges.excluding(shared(0, 4)), nullptr);
}

TEST(LockedRanges, CoverWholeRangesOnly) {
    LockedRanges ranges;
    ranges.lock(shared(0, 9));
    ranges.lock(exclusive(10, 19));
    EXPECT_TRUE(ranges.cover(shared(0, 19)));
    EXPECT_TRUE(ranges.cover(exclusive(12, 19)));
    EXPECT_FALSE(ranges.cover(exclusive(9, 12)));
    EXPECT_FALSE(ranges.cover(shared(19, 20)));
    EXPECT_FALSE(LockedRanges{}.cover(shared(0, 0)));
}

TEST(LockedRanges, RandomOnesAreWhatAnArrayOfBytesSays) {
    const char* given = std::getenv("BERTH_SEED");
    const auto seed = given != nullptr ? std::strtoul(given, nullptr, 0) : std::random_device{}();
    SCOPED_TRACE("BERTH_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    constexpr std::uint64_t bytes = 48;
    std::array<std::optional<LockKind>, bytes> naive{};
    LockedRanges ranges;
    const auto some_range = [&] {
        const auto a = random() % bytes;
        const auto b = random() % bytes;
        return ByteRange{std::min(a, b), std::max(a, b)};
    };
    const auto some_kind = [&] {
        return random() % 2 == 0 ? LockKind::shared : LockKind::exclusive;
    };
    for (int step = 0; step < 100'000; ++step) {
        const auto range = some_range();
        const auto size_before = std::ssize(ranges.all());
        std::ptrdiff_t growth = 0;
        if (random() % 2 == 0) {
            const auto kind = some_kind();
            growth = ranges.growth_by_lock({range, kind});
            ranges.lock({range, kind});
            for (auto byte = range.first; byte <= range.last; ++byte) naive[byte] = kind;
        } else {
            growth = ranges.growth_by_unlock(range);
            ranges.unlock(range);
            for (auto byte = range.first; byte <= range.last; ++byte) naive[byte].reset();
        }
        ASSERT_EQ(std::ssize(ranges.all()), size_before + growth) << step;
        std::array<std::optional<LockKind>, bytes> seen{};
        const LockedRange* before = nullptr;
        for (const auto& held : ranges.all()) {
            if (before != nullptr) {
                ASSERT_LT(before->range.last, held.range.first) << step;
                const bool could_merge =
                    before->kind == held.kind && before->range.last + 1 == held.range.first;
                ASSERT_FALSE(could_merge) << step;
            }
            before = &held;
            for (auto byte = held.range.first; byte <= held.range.last; ++byte)
                seen.at(byte) = held.kind;
        }
        ASSERT_EQ(seen, naive) << step;

        const LockedRange asked{some_range(), some_kind()};
        bool is_excluded = false;
        bool is_covered = true;
        for (auto byte = asked.range.first; byte <= asked.range.last; ++byte) {
            const auto& held = naive[byte];
            const bool both_shared = held == LockKind::shared && asked.kind == LockKind::shared;
            is_excluded = is_excluded || (held && !both_shared);
            is_covered = is_covered && held && (held == LockKind::exclusive || both_shared);
        }
        ASSERT_EQ(ranges.excluding(asked) != nullptr, is_excluded) << step;
        ASSERT_EQ(ranges.cover(asked), is_covered) << step;
    }
}

}  // namespace
}  // namespace berth::vfs
