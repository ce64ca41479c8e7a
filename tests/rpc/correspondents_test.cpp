// What addresses have shown, and what the server may send them of its own accord.
#include "rpc/correspondents.hpp"

#include <limits>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"

namespace berth::rpc {
namespace {

constexpr auto unlimited = std::numeric_limits<std::size_t>::max();

class CorrespondentsTest : public ::testing::Test {
protected:
    static Address address(unsigned n) {
        return *Address::parse("2001:db8::" + std::to_string(n % 10000) + ":" +
                               std::to_string(n / 10000));
    }

    const Address one = address(1);
    const Address other = address(2);
    Correspondents::Clock::time_point now = Correspondents::Clock::now();
    Correspondents all{[this] { return now; }};
};

TEST_F(CorrespondentsTest, LackOfMemoryLeavesNoHalfEntry) {
    berth::test::fail_each_allocation([&] { all.heard(one, 40); },
                                      [&] {
                                          EXPECT_EQ(all.heard(one, 40), 400U);
                                          EXPECT_EQ(all.heard(other, 40), 400U);
                                      });
    for (unsigned n = 3; n < 3 + Correspondents::addresses_max; ++n) all.heard(address(n), 40);
    berth::test::fail_each_allocation([&] { all.heard(one, 40); }, [&] { all.heard(one, 40); });
}

TEST_F(CorrespondentsTest, AReplyToAStrangerIsAtMostTenTimesAsLongAsTheCall) {
    EXPECT_EQ(all.heard(one, 40), 400U);
    EXPECT_EQ(all.heard(one, 100), 1000U);
    const Correspondents::Connection connection{all, one};
    EXPECT_EQ(all.heard(one, 40), 400U) << "the datagram may be somebody else's";
}

TEST_F(CorrespondentsTest, WhoTakesUpWhatRepliesGaveIsBelievedForAWhile) {
    all.heard(one, 100);
    EXPECT_EQ(all.taken_up(one, 70), 0U) << "never given out";
    unsigned link = 0;
    for (std::uint64_t token = 1; token <= Correspondents::links_wanted; ++token) {
        EXPECT_EQ(all.heard(one, 100), 1000U);
        all.given_out(one, token, link);
        EXPECT_EQ(all.taken_up(other, token), 0U);
        EXPECT_EQ(all.taken_up(one, token + 1000), 0U);
        link = all.taken_up(one, token);
        EXPECT_EQ(link, token);
        EXPECT_EQ(all.taken_up(one, token), 0U) << "once";
    }
    EXPECT_EQ(all.heard(one, 100), unlimited);
    EXPECT_EQ(all.heard(other, 100), 1000U);
    now += Correspondents::shown_lasts;
    EXPECT_EQ(all.heard(one, 100), 1000U);
}

TEST_F(CorrespondentsTest, ManyBeginningsMakeNoChain) {
    all.heard(one, 100);
    for (std::uint64_t token = 1; token < 100; ++token) {
        all.given_out(one, token, 0);
        EXPECT_EQ(all.taken_up(one, token), 1U);
    }
    EXPECT_EQ(all.heard(one, 100), 1000U);
}

TEST_F(CorrespondentsTest, ItIsSentLessThanItSent) {
    EXPECT_FALSE(all.spend(one, 1, 1)) << "a stranger";
    for (int datagram = 0; datagram < 6; ++datagram) all.heard(one, 100);
    EXPECT_FALSE(all.spend(one, 2, 600)) << "as much";
    EXPECT_FALSE(all.spend(one, 6, 10)) << "as many";
    EXPECT_TRUE(all.spend(one, 2, 500));
    EXPECT_FALSE(all.spend(one, 1, 100));
    EXPECT_TRUE(all.spend(one, 1, 99));
    all.heard(one, 100);
    now += Correspondents::credit_lasts + std::chrono::seconds{1};
    EXPECT_FALSE(all.spend(one, 1, 1)) << "long ago";
}

TEST_F(CorrespondentsTest, CreditIsNotSavedUpForEver) {
    for (int datagram = 0; datagram < 10'000; ++datagram) all.heard(one, 1000);
    EXPECT_FALSE(all.spend(one, 1, Correspondents::credit_bytes_max));
    EXPECT_FALSE(all.spend(one, Correspondents::credit_datagrams_max, 1));
    EXPECT_TRUE(all.spend(one, Correspondents::credit_datagrams_max - 1, 1));
}

TEST_F(CorrespondentsTest, WhoHasConnectedIsCalledFreely) {
    std::optional<Correspondents::Connection> first{std::in_place, all, one};
    std::optional<Correspondents::Connection> second{std::in_place, all, one};
    EXPECT_TRUE(all.spend(one, 1000, 1'000'000));
    first.reset();
    now += 2 * Correspondents::credit_lasts;
    EXPECT_TRUE(all.spend(one, 1000, 1'000'000)) << "it still is";
    second.reset();
    EXPECT_TRUE(all.spend(one, 1000, 1'000'000));
    now += Correspondents::credit_lasts;
    EXPECT_FALSE(all.spend(one, 1, 1));
}

TEST_F(CorrespondentsTest, StrangersPushOutStrangersAndNobodyWhoIsConnected) {
    const Correspondents::Connection connection{all, one};
    for (int datagram = 0; datagram < 6; ++datagram) all.heard(other, 100);
    for (unsigned n = 10; n < 10 + Correspondents::addresses_max - 2; ++n)
        all.heard(address(n), 100);
    EXPECT_TRUE(all.spend(other, 1, 100)) << "there is room for as many";
    all.heard(address(20'000), 100);
    EXPECT_FALSE(all.spend(other, 1, 100));
    EXPECT_TRUE(all.spend(one, 1, 100));
}

}  // namespace
}  // namespace berth::rpc
