#include "portmap/registry.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "portmap/statistics.hpp"
#include "tests/portmap/fixture.hpp"

namespace berth::portmap {
namespace {

TEST(Registry, FindsTheVersionAskedFor) {
    Registry registry;
    EXPECT_TRUE(registry.add_own(registration(100005, 1, Netid::tcp, 1)));
    EXPECT_TRUE(registry.add_own(registration(100005, 3, Netid::tcp, 3)));
    EXPECT_EQ(registry.find(100005, 1, Netid::tcp)->at.port, 1);
    EXPECT_EQ(registry.find(100005, 3, Netid::tcp)->at.port, 3);
    EXPECT_FALSE(registry.find(100005, 2, Netid::tcp));
    EXPECT_FALSE(registry.find(100003, 3, Netid::tcp));
}

TEST(Registry, AnyVersionPrefersTheExactOneThenTheHighest) {
    Registry registry;
    registry.add_own(registration(100005, 3, Netid::tcp, 3));
    registry.add_own(registration(100005, 1, Netid::tcp, 1));
    EXPECT_EQ(registry.find_any_version(100005, 1, Netid::tcp)->at.port, 1);
    EXPECT_EQ(registry.find_any_version(100005, 0, Netid::tcp)->at.port, 3);
    EXPECT_EQ(registry.find_any_version(100005, 9, Netid::tcp)->at.port, 3);
    EXPECT_FALSE(registry.find_any_version(100006, 1, Netid::tcp));
}

TEST(Registry, ATransportNeverAnswersForAnother) {
    Registry registry;
    registry.add_own(registration(100003, 3, Netid::tcp));
    for (const auto netid : {Netid::udp, Netid::udp6, Netid::tcp6}) {
        EXPECT_FALSE(registry.find(100003, 3, netid));
        EXPECT_FALSE(registry.find_any_version(100003, 3, netid));
    }
}

TEST(Registry, ATakenKeyIsRefusedEvenForTheSameAddress) {
    Registry registry;
    EXPECT_TRUE(registry.set(registration(400000, 1)));
    EXPECT_FALSE(registry.set(registration(400000, 1)));
    EXPECT_FALSE(registry.set(registration(400000, 1, Netid::tcp, 99)));
    EXPECT_FALSE(registry.add_own(registration(400000, 1)));
    EXPECT_EQ(registry.find(400000, 1, Netid::tcp)->at.port, 2049);
    EXPECT_TRUE(registry.set(registration(400000, 1, Netid::udp)));
    EXPECT_TRUE(registry.set(registration(400000, 2)));
}

TEST(Registry, UnsoundRegistrationsAreRefused) {
    Registry registry;
    EXPECT_FALSE(registry.set(registration(400000, 1, Netid::tcp, 0)));
    auto wrong_family = registration(400000, 1, Netid::tcp6);
    wrong_family.at.address.v6 = false;
    EXPECT_FALSE(registry.set(wrong_family));
    auto long_owner = registration(400000, 1);
    long_owner.owner.assign(Registry::owner_bytes_max + 1, 'x');
    EXPECT_FALSE(registry.set(long_owner));
    EXPECT_TRUE(registry.all().empty());
}

TEST(Registry, OwnEntriesCannotBeRemoved) {
    Registry registry;
    registry.add_own(registration(100003, 3));
    EXPECT_FALSE(registry.unset(100003, 3, Netid::tcp, true));
    EXPECT_FALSE(registry.unset(100003, 3, {}, true));
    EXPECT_TRUE(registry.find(100003, 3, Netid::tcp));
}

TEST(Registry, UnsetRemovesOneTransportOrAll) {
    Registry registry;
    for (const auto netid : all_netids) registry.set(registration(400000, 1, netid));
    EXPECT_TRUE(registry.unset(400000, 1, Netid::udp6, true));
    EXPECT_FALSE(registry.unset(400000, 1, Netid::udp6, true));
    EXPECT_EQ(registry.all().size(), 3U);
    EXPECT_FALSE(registry.unset(400000, 2, {}, true));
    EXPECT_TRUE(registry.unset(400000, 1, {}, true));
    EXPECT_TRUE(registry.all().empty());
}

TEST(Registry, OnlyTheSuperuserRemovesWhatIsTheSuperusers) {
    Registry registry;
    registry.set(registration(400000, 1, Netid::tcp));
    auto of_a_user = registration(400000, 1, Netid::udp);
    of_a_user.owner = unknown_user;
    registry.set(of_a_user);
    EXPECT_TRUE(registry.unset(400000, 1, {}, false));
    EXPECT_FALSE(registry.unset(400000, 1, {}, false));
    EXPECT_TRUE(registry.find(400000, 1, Netid::tcp));
    EXPECT_FALSE(registry.find(400000, 1, Netid::udp));
    EXPECT_TRUE(registry.unset(400000, 1, {}, true));
}

TEST(Registry, HasACeiling) {
    Registry registry;
    for (std::uint32_t i = 0; i < Registry::entries_max; ++i)
        ASSERT_TRUE(registry.set(registration(400000 + i, 1)));
    EXPECT_FALSE(registry.set(registration(1, 1)));
    EXPECT_TRUE(registry.unset(400000, 1, {}, true));
    EXPECT_TRUE(registry.set(registration(1, 1)));
}

TEST(Netid, TextAndBack) {
    for (const auto netid : all_netids) {
        EXPECT_EQ(parse_netid(text(netid)), netid);
        EXPECT_EQ(netid_of(transport_of(netid), is_v6(netid)), netid);
    }
    EXPECT_FALSE(parse_netid(""));
    EXPECT_FALSE(parse_netid("local"));
    EXPECT_FALSE(parse_netid("tcp66"));
}

TEST(Statistics, NonsenseDoesNotPushOutWhatIsUsed) {
    Statistics statistics;
    statistics.count_lookup(4, 100003, 3, Netid::tcp, true);
    for (std::uint32_t i = 0; i < 3 * Statistics::lookups_max; ++i)
        statistics.count_lookup(4, 500000 + i, 1, Netid::tcp, false);
    statistics.count_lookup(4, 100003, 3, Netid::tcp, true);
    const auto lookups = statistics.snapshot()[2].lookups;
    EXPECT_EQ(lookups.size(), Statistics::lookups_max);
    EXPECT_EQ(lookups.front().program, 100003U);
    EXPECT_EQ(lookups.front().success, 2);
    EXPECT_EQ(lookups.back().program, 500000U + 3 * Statistics::lookups_max - 1);
}

TEST(Statistics, AreBoundedWhenEverythingWasFound) {
    Statistics statistics;
    for (std::uint32_t i = 0; i < 2 * Statistics::lookups_max; ++i)
        statistics.count_lookup(2, i, 1, Netid::udp, true);
    EXPECT_EQ(statistics.snapshot()[0].lookups.size(), Statistics::lookups_max);
}

}  // namespace
}  // namespace berth::portmap
