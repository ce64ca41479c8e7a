// What the server knows of its users' groups, for how long, and what becomes of callers by it.
#include "nfs/exports/user_groups.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/claim.hpp"
#include "tests/support/becomes_true.hpp"
#include "tests/support/known_groups.hpp"

namespace berth::exports {
namespace {

using test::becomes_true;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Clock = UserGroups::Clock;

std::atomic<Clock::duration> moved{};
Clock::time_point moved_time() {
    return Clock::time_point{} + moved.load();
}

class UserGroupsTest : public ::testing::Test {
protected:
    UserGroupsTest() { moved = std::chrono::hours{1}; }

    static constexpr std::chrono::seconds lasts{300};
    UserGroups::Limits limits{.now = &moved_time};
    test::KnownGroups directory{{{1000, {1000, 20, 0, 20, 0xFFFFFFFF}}, {1001, {7}}}};

    static void pass(std::chrono::seconds time) { moved = moved.load() + time; }
    static std::vector<gid_t> groups(UserGroups& users, uid_t uid) {
        const auto user = users.find(uid, vfs::Patience::ample);
        EXPECT_TRUE(user) << uid;
        return user ? (*user)->groups : std::vector<gid_t>{};
    }
};

TEST_F(UserGroupsTest, are_sorted_and_none_is_there_twice) {
    UserGroups users{directory, limits};
    EXPECT_THAT(groups(users, 1000), ElementsAre(0, 20, 1000));
    const auto user = users.find(1000, vfs::Patience::none);
    ASSERT_TRUE(user);
    EXPECT_THAT((*user)->groups_but_root(), ElementsAre(20, 1000));
    EXPECT_THAT(groups(users, 1001), ElementsAre(7));
}

TEST_F(UserGroupsTest, of_a_user_whom_nobody_knows_are_none_of_the_servers) {
    UserGroups users{directory, limits};
    const auto user = users.find(4711, vfs::Patience::ample);
    ASSERT_TRUE(user);
    EXPECT_FALSE((*user)->is_known);
    EXPECT_TRUE(users.find(4711, vfs::Patience::none));
    EXPECT_EQ(directory.asked, 1);
}

TEST_F(UserGroupsTest, are_not_waited_for_by_who_may_not_wait) {
    directory.gate.close();
    UserGroups users{directory, limits};
    EXPECT_EQ(users.find(1001, vfs::Patience::none).error(), vfs::would_block);
    directory.gate.await_held_back(1);
    EXPECT_EQ(users.find(1001, vfs::Patience::none).error(), vfs::would_block);
    directory.gate.open();
    EXPECT_TRUE(becomes_true([&] { return users.find(1001, vfs::Patience::none).has_value(); }));
    EXPECT_EQ(directory.asked, 1);
}

TEST_F(UserGroupsTest, are_waited_for_neither_for_ever_nor_by_many) {
    limits.patience = std::chrono::milliseconds{1};
    directory.gate.close();
    UserGroups users{directory, limits};
    EXPECT_EQ(users.find(1001, vfs::Patience::ample).error(), vfs::would_block);
    limits.waiting_max = 0;
    limits.patience = test::patience;
    UserGroups crowded{directory, limits};
    EXPECT_EQ(crowded.find(1001, vfs::Patience::ample).error(), vfs::would_block);
    directory.gate.open();
}

TEST_F(UserGroupsTest, are_asked_for_anew_when_they_are_old) {
    UserGroups users{directory, limits};
    EXPECT_THAT(groups(users, 1001), ElementsAre(7));
    directory.set(1001, {8});
    pass(lasts);
    EXPECT_THAT(groups(users, 1001), ElementsAre(7));
    EXPECT_EQ(directory.asked, 1);
    pass(std::chrono::seconds{1});
    // In the background while they have served once.
    static_cast<void>(users.find(1001, vfs::Patience::none));
    EXPECT_TRUE(becomes_true([&] { return groups(users, 1001) == std::vector<gid_t>{8}; }));
    // Before they are used again when nobody has used them for long.
    directory.set(1001, {9});
    pass(3 * lasts);
    EXPECT_THAT(groups(users, 1001), ElementsAre(9));
}

TEST_F(UserGroupsTest, stay_what_they_were_while_nobody_can_be_asked) {
    UserGroups users{directory, limits};
    EXPECT_THAT(groups(users, 1001), ElementsAre(7));
    directory.is_silent = true;
    pass(3 * lasts);
    EXPECT_THAT(groups(users, 1001), ElementsAre(7));
    EXPECT_EQ(users.find(1000, vfs::Patience::ample).error(), vfs::would_block);
    EXPECT_EQ(users.find(1000, vfs::Patience::ample).error(), vfs::would_block);
    EXPECT_EQ(directory.asked, 3) << "asked again at once";
    directory.is_silent = false;
    pass(std::chrono::seconds{6});
    EXPECT_THAT(groups(users, 1000), ElementsAre(0, 20, 1000));
}

TEST_F(UserGroupsTest, of_those_not_asked_for_are_forgotten_when_there_is_no_room) {
    limits.users_max = 2;
    UserGroups users{directory, limits};
    for (const uid_t uid : {1U, 2U, 1U, 3U}) static_cast<void>(groups(users, uid));
    EXPECT_EQ(directory.asked, 3);
    EXPECT_TRUE(users.find(1, vfs::Patience::none));
    EXPECT_TRUE(users.find(3, vfs::Patience::none));
    EXPECT_FALSE(users.find(2, vfs::Patience::none));
}

TEST_F(UserGroupsTest, are_asked_for_once_for_all_who_wait) {
    limits.patience = test::patience;
    directory.gate.close();
    UserGroups users{directory, limits};
    std::atomic<int> found = 0;
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < limits.waiting_max; ++n)
        threads.emplace_back([&] { found += users.find(1001, vfs::Patience::ample).has_value(); });
    directory.gate.await_held_back(1);
    directory.gate.open();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(found, static_cast<int>(limits.waiting_max));
    EXPECT_EQ(directory.asked, 1);
}

TEST_F(UserGroupsTest, take_the_place_of_those_in_the_call) {
    UserGroups users{directory, limits};
    const std::array<gid_t, 2> claimed{5, 6};
    std::array<gid_t, 2> room{};
    const auto identified = [&](const Options& options, uid_t uid) {
        return *identify(options, {Flavor::sys, {uid, 1, claimed}, room}, &users,
                         vfs::Patience::ample);
    };
    const Options believed{.squash = Squash::none};
    EXPECT_THAT(identified(believed, 1000).identity.groups, ElementsAre(0, 20, 1000));
    EXPECT_THAT(identified({}, 1000).identity.groups, ElementsAre(20, 1000));
    EXPECT_EQ(identified({}, 1000).identity.gid, 1U);
    EXPECT_THAT(identified({}, 4711).identity.groups, ElementsAre(5, 6));
    const auto asked = directory.asked.load();
    EXPECT_THAT(identified({}, 0).identity.groups, IsEmpty());
    EXPECT_THAT(identified({}, 0xFFFFFFFF).identity.groups, IsEmpty());
    EXPECT_THAT(identified({.squash = Squash::all}, 1001).identity.groups, IsEmpty());
    EXPECT_EQ(identified({}, 0).identity.uid, 65534U);
    EXPECT_EQ(directory.asked, asked) << "about users who are not believed";
    EXPECT_TRUE(identify({}, {}, &users, vfs::Patience::none))
        << "nobody is asked about who claims nothing";
}

}  // namespace
}  // namespace berth::exports
