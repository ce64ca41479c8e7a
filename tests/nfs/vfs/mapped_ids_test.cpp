// Ids in a user namespace, and whom callers are taken for there.
#include "nfs/vfs/mapped_ids.hpp"

#include <array>

#include <gmock/gmock.h>

#include "nfs/vfs/export_options.hpp"

namespace berth::vfs {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t no_id = 0xFFFFFFFF;

TEST(MappedIds, AreAllOutsideOfNamespaces) {
    const MappedIds ids{"         0          0 4294967295\n"};
    EXPECT_TRUE(ids.has_all());
    EXPECT_TRUE(ids.has(0));
    EXPECT_TRUE(ids.has(4294967294));
    EXPECT_FALSE(ids.has(no_id));
    EXPECT_EQ(ids.one_besides(0), 1U);
    EXPECT_TRUE(MappedIds{}.has_all());
}

TEST(MappedIds, AreThoseOfTheRanges) {
    const MappedIds ids{"0 1000 1\n1 100000 999\n2000 5000 10\n"};
    EXPECT_FALSE(ids.has_all());
    for (const std::uint32_t id : {0U, 1U, 999U, 2000U, 2009U}) EXPECT_TRUE(ids.has(id)) << id;
    for (const std::uint32_t id : {1000U, 1999U, 2010U, 65534U, no_id})
        EXPECT_FALSE(ids.has(id)) << id;
    EXPECT_EQ(ids.one_besides(0), 1U);
    EXPECT_EQ(MappedIds{"0 1000 1\n"}.one_besides(0), 0U) << "there is no other";
    EXPECT_EQ(MappedIds{"5000 1000 2\n"}.one_besides(0), 5000U);
}

TEST(MappedIds, AreNoneWhereNothingCanBeRead) {
    const MappedIds ids{""};
    EXPECT_FALSE(ids.has(0));
    EXPECT_FALSE(MappedIds{"a b c\n1 2\n"}.has(1));
    EXPECT_FALSE(ids.has_all());
}

TEST(MappedIds, OfAProcessHaveItsOwn) {
    const auto mapped = MappedOwners::of_process();
    EXPECT_TRUE(mapped.users.has(0));
    EXPECT_TRUE(mapped.groups.has(0));
}

TEST(MappedIds, DecideWhomACallerIsTakenFor) {
    const MappedOwners mapped{.users = MappedIds{"0 100000 65536\n"},
                              .groups = MappedIds{"0 100000 65536\n"}};
    const ExportOptions options;
    const std::array<gid_t, 4> groups{5, 1'000'000, 6, 65535};
    std::array<gid_t, 4> room{};
    const auto user = squash(options, {1000, 1000, groups}, room, mapped);
    EXPECT_EQ(user.uid, 1000U);
    EXPECT_EQ(user.gid, 1000U);
    EXPECT_THAT(user.groups, ElementsAre(5, 6, 65535)) << "the one that is not mapped is left out";
    const auto stranger = squash(options, {1'000'000, 1'000'001, groups}, room, mapped);
    EXPECT_EQ(stranger.uid, 65534U);
    EXPECT_EQ(stranger.gid, 65534U);
}

TEST(MappedIds, CountForWhatTheMapsOfTheExportGive) {
    const MappedOwners mapped{.users = MappedIds{"0 100000 65536\n"},
                              .groups = MappedIds{"0 100000 65536\n"}};
    ExportOptions options;
    ASSERT_EQ(options.users.add("1000-1999:65000"), "");
    ASSERT_EQ(options.groups.add("1000-1999:65000"), "");
    const std::array<gid_t, 2> groups{1001, 1999};
    std::array<gid_t, 2> room{};
    const auto user = squash(options, {1000, 1000, groups}, room, mapped);
    EXPECT_EQ(user.uid, 65000U);
    EXPECT_THAT(user.groups, ElementsAre(65001)) << "65999 is not mapped here";
    EXPECT_EQ(squash(options, {1999, 1999, groups}, room, mapped).uid, 65534U);
}

}  // namespace
}  // namespace berth::vfs
