// Attributes on the wire, and how times are compared.
#include "nfs/attributes.hpp"

#include <limits>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

TEST(WireAttributes, clamp_times_and_never_wrap) {
    constexpr std::uint32_t seconds_max = 0xFFFFFFFF;
    constexpr std::int64_t past = std::int64_t{1} << 32;
    EXPECT_EQ(to_wire(vfs::Time{-1, 5}), (Time{0, 0}));
    EXPECT_EQ(to_wire(vfs::Time{std::numeric_limits<std::int64_t>::min(), 0}), (Time{0, 0}));
    EXPECT_EQ(to_wire(vfs::Time{0, 1}), (Time{0, 1}));
    EXPECT_EQ(to_wire(vfs::Time{0x7FFFFFFF, 1}), (Time{0x7FFFFFFF, 1})) << "2038";
    EXPECT_EQ(to_wire(vfs::Time{0x80000000, 1}), (Time{0x80000000, 1}));
    EXPECT_EQ(to_wire(vfs::Time{past - 1, 7}), (Time{seconds_max, 7})) << "2106";
    EXPECT_EQ(to_wire(vfs::Time{past, 0}), (Time{seconds_max, 999'999'999}));
    EXPECT_EQ(to_wire(vfs::Time{std::numeric_limits<std::int64_t>::max(), 0}).seconds, seconds_max);
}

TEST(WireAttributes, never_show_what_clients_refuse) {
    const exports::Export exported{.fsid = 7};
    const auto seen = to_wire(vfs::Attributes{.mode = 0100644,
                                              .uid = 0xFFFFFFFF,
                                              .gid = 0xFFFFFFFF,
                                              .size = ~std::uint64_t{0},
                                              .fileid = 0},
                              exported, {});
    EXPECT_EQ(seen.uid, 65534U);
    EXPECT_EQ(seen.gid, 65534U);
    EXPECT_EQ(seen.mode, 0644U);
    EXPECT_NE(seen.fileid, 0U);
    EXPECT_EQ(seen.fsid, 7U);
}

TEST(Guard, is_compared_as_far_as_times_are_kept) {
    constexpr vfs::Time nanosecond{0, 1};
    constexpr vfs::Time hundred_nanoseconds{0, 100};
    constexpr vfs::Time second{1, 0};
    constexpr vfs::Time two_seconds{2, 0};
    const Time time{7, 123'456'789};
    EXPECT_TRUE(is_same(time, time, nanosecond));
    EXPECT_FALSE(is_same(time, {7, 123'456'788}, nanosecond));
    EXPECT_FALSE(is_same(time, {7, 0}, nanosecond)) << "cut off by the client alone";
    EXPECT_TRUE(is_same(time, {7, 123'456'700}, hundred_nanoseconds));
    EXPECT_FALSE(is_same(time, {7, 123'456'699}, hundred_nanoseconds));
    EXPECT_TRUE(is_same(time, {7, 0}, second));
    EXPECT_FALSE(is_same(time, {8, 123'456'789}, second));
    EXPECT_TRUE(is_same(time, {6, 0}, two_seconds));
    EXPECT_FALSE(is_same(time, {8, 0}, two_seconds));
    EXPECT_FALSE(is_same(time, {5, 999'999'999}, two_seconds));
    EXPECT_TRUE(is_same(time, time, {0, 0})) << "a file system that does not say";
    EXPECT_FALSE(is_same(time, {7, 123'456'788}, {0, 0}));
}

}  // namespace
}  // namespace berth::nfs
