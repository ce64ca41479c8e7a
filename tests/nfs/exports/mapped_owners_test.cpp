// The identities of callers in a user namespace, where the kernel knows only some ids.
#include <array>

#include <gmock/gmock.h>

#include "nfs/exports/options.hpp"
#include "nfs/vfs/mapped_ids.hpp"

namespace berth::exports {
namespace {

using testing::ElementsAre;

TEST(MappedOwners, DecideWhomACallerIsTakenFor) {
    const vfs::MappedOwners mapped{.users = vfs::MappedIds{"0 100000 65536\n"},
                                   .groups = vfs::MappedIds{"0 100000 65536\n"}};
    const Options options;
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

TEST(MappedOwners, CountForWhatTheMapsOfTheExportGive) {
    const vfs::MappedOwners mapped{.users = vfs::MappedIds{"0 100000 65536\n"},
                                   .groups = vfs::MappedIds{"0 100000 65536\n"}};
    Options options;
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
}  // namespace berth::exports
