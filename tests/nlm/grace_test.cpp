// When the time to reclaim begins and ends.
#include "nlm/grace.hpp"

#include <gtest/gtest.h>

#include "tests/nlm/table_fixture.hpp"

namespace berth::nlm::test {
namespace {

using std::chrono::seconds;

class GraceTest : public ::testing::Test {
protected:
    Grace make(std::vector<Host> awaited, seconds duration = seconds{45},
               bool may_lack_some = false) {
        return Grace{duration,
                     {.hosts = std::move(awaited), .may_lack_some = may_lack_some},
                     [this] { return now; }};
    }
    Grace::Clock::time_point now = Grace::Clock::now();
};

TEST_F(GraceTest, IsOnlyWhenSomebodyHadLocks) {
    EXPECT_FALSE(make({}).is_on());
    EXPECT_TRUE(make({host(1)}).is_on());
    EXPECT_FALSE(make({host(1)}, seconds{0}).is_on()) << "--no-grace";
}

TEST_F(GraceTest, EndsInTimeThoughSomebodyHasNotReclaimed) {
    auto grace = make({host(1)});
    now += seconds{44};
    EXPECT_TRUE(grace.is_on());
    now += seconds{1};
    EXPECT_FALSE(grace.is_on());
    grace.heard_of(host(1));
    EXPECT_FALSE(grace.is_on()) << "for good";
}

TEST_F(GraceTest, EndsEarlyWhenEverybodyHasReclaimedAndIsSilent) {
    auto grace = make({host(1), host(2)});
    grace.heard_of(host(1));
    grace.heard_of(host(3));
    now += seconds{5};
    grace.heard_of(host(2));
    now += seconds{9};
    EXPECT_TRUE(grace.is_on()) << "the second may be in the midst of it";
    now += seconds{1};
    EXPECT_FALSE(grace.is_on());
}

TEST_F(GraceTest, EndsAtOnceWhenNobodyIsAwaitedAnyMore) {
    auto grace = make({host(1), host(2)});
    grace.not_awaited(host(1));
    EXPECT_TRUE(grace.is_on());
    grace.not_awaited(host(2));
    EXPECT_FALSE(grace.is_on());
}

TEST_F(GraceTest, LastsToItsEndWhereNotAllThatHadLocksAreKnown) {
    for (auto awaited : {std::vector<Host>{}, std::vector{host(1)}}) {
        auto grace = make(awaited, seconds{45}, true);
        grace.heard_of(host(1));
        now += Grace::silence;
        EXPECT_TRUE(grace.is_on());
        grace.not_awaited(host(1));
        now += seconds{34};
        EXPECT_TRUE(grace.is_on());
        now += seconds{1};
        EXPECT_FALSE(grace.is_on());
    }
    EXPECT_FALSE(make({}, seconds{0}, true).is_on()) << "--no-grace";
}

TEST_F(GraceTest, CanBeginAnew) {
    auto grace = make({});
    grace.begin({.hosts = {host(1)}});
    EXPECT_TRUE(grace.is_on());
    now += seconds{45};
    EXPECT_FALSE(grace.is_on());
}

}  // namespace
}  // namespace berth::nlm::test
