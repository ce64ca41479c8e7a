// The ceilings of the lock table: what would grow past one is refused, what does not grow is not.
#include <memory>

#include <gmock/gmock.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "tests/nlm/table_fixture.hpp"

namespace berth::nlm::test {
namespace {

using Answer = LockTable::Answer;

class FewLocks : public LockTableTest {
protected:
    FewLocks()
        : LockTableTest({.client_locks_max = 3,
                         .locks_max = 8,
                         .client_waiters_max = 1,
                         .waiters_max = 2,
                         .open_files_max = 5}) {}

    void fill() {
        for (std::uint64_t n = 0; n < 7; ++n)
            ASSERT_EQ(lock(owner(1 + static_cast<int>(n / 3)), exclusive(n * 10, n * 10)),
                      Answer::granted);
        EXPECT_EQ(lock(owner(3), exclusive(70, 70)), Answer::no_room) << "it is left to others";
        ASSERT_EQ(lock(owner(4), exclusive(70, 70)), Answer::granted);
    }
};

TEST_F(FewLocks, OfOneClient) {
    for (std::uint64_t n = 0; n < 3; ++n)
        ASSERT_EQ(lock(owner(1), exclusive(n * 10, n * 10)), Answer::granted);
    EXPECT_EQ(lock(owner(1), exclusive(100, 100)), Answer::no_room);
    EXPECT_EQ(lock(owner(2), exclusive(100, 100)), Answer::granted);
    unlock(owner(1), {0, 0});
    EXPECT_EQ(lock(owner(1), exclusive(101, 102)), Answer::granted);
}

TEST_F(FewLocks, InAll) {
    fill();
    EXPECT_EQ(lock(owner(5), exclusive(100, 100)), Answer::no_room);
    EXPECT_EQ(table.share("f", {.owner = owner(5), .mode = 0, .access = 1}), Answer::no_room);
    unlock(owner(2), {30, 30});
    EXPECT_EQ(lock(owner(5), exclusive(100, 100)), Answer::granted);
}

TEST_F(FewLocks, ManyNamesOfOneAddressHaveWhatOneHas) {
    const auto named = [](int n) {
        auto one = owner(1);
        one.host.name += std::to_string(n);
        return one;
    };
    const auto file = [](int n) { return std::to_string(n); };
    int granted = 0;
    for (int n = 0; n < 4; ++n)
        granted += lock(named(n), whole, file(n)) == Answer::granted ? 1 : 0;
    EXPECT_EQ(granted, 3) << "it leaves two of five";
    EXPECT_EQ(lock(owner(2), whole, "other"), Answer::granted);
}

TEST_F(FewLocks, TheLogSaysSoOnceOfEachClient) {
    const auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(10);
    fill();
    spdlog::default_logger()->sinks().push_back(log);
    for (const int n : {1, 5, 6, 5, 6, 1})
        EXPECT_EQ(lock(owner(n), exclusive(100, 100)), Answer::no_room);
    spdlog::default_logger()->sinks().pop_back();
    const auto said_of = [](int n) {
        return testing::HasSubstr(owner(n).host.text() + ": too many locks");
    };
    EXPECT_THAT(log->last_formatted(), testing::ElementsAre(said_of(1), said_of(5), said_of(6)));
}

TEST_F(FewLocks, OfOpenFiles) {
    for (int n = 1; n <= 5; ++n)
        ASSERT_EQ(lock(owner(n), exclusive(static_cast<std::uint64_t>(n), 9), std::to_string(n)),
                  Answer::granted);
    EXPECT_EQ(lock(owner(6), whole, "6"), Answer::no_room);
    unlock(owner(1), whole.range, "1");
    EXPECT_EQ(lock(owner(6), whole, "6"), Answer::granted);
}

TEST_F(FewLocks, UnlockingTheMiddleCountsWhatItSplits) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    unlock(owner(1), {1, 1});
    unlock(owner(1), {3, 3});
    EXPECT_EQ(table.unlock(request(owner(1), exclusive(5, 5))).error(),
              std::errc::no_lock_available);
    EXPECT_EQ(table.all().size(), 3U);
    EXPECT_EQ(lock(owner(2), exclusive(5, 5)), Answer::denied) << "refused, it changed nothing";
    unlock(owner(1), {2, 2});
    unlock(owner(1), {5, 5});
    unlock(owner(1), whole.range);
    EXPECT_EQ(table.file_count(), 0U);
}

TEST_F(FewLocks, ALockInsideOneOfTheOtherKindCountsForTwo) {
    ASSERT_EQ(lock(owner(1), shared(0, 99)), Answer::granted);
    ASSERT_EQ(lock(owner(1), exclusive(200, 200)), Answer::granted);
    EXPECT_EQ(lock(owner(1), exclusive(10, 10)), Answer::no_room);
    EXPECT_EQ(table.all().size(), 2U);
    EXPECT_EQ(lock(owner(1), exclusive(0, 0)), Answer::granted) << "at its end, for one";
}

TEST_F(FewLocks, WhatDoesNotGrowIsNeverRefused) {
    for (std::uint64_t n = 0; n < 3; ++n)
        ASSERT_EQ(lock(owner(1), exclusive(n * 10, n * 10)), Answer::granted);
    EXPECT_EQ(lock(owner(1), exclusive(10, 10)), Answer::granted) << "asked again";
    EXPECT_EQ(lock(owner(1), shared(10, 10)), Answer::granted) << "a downgrade";
    EXPECT_EQ(lock(owner(1), exclusive(0, 5)), Answer::granted) << "a longer one";
    EXPECT_EQ(lock(owner(1), whole), Answer::granted) << "one in place of three";
}

TEST_F(FewLocks, WhoWaitsMayAskAgainAtTheCeiling) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 0)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 0)), Answer::blocked);
    for (std::uint64_t n = 1; n < 4; ++n)
        ASSERT_EQ(lock(owner(2), exclusive(n * 10, n * 10)), Answer::granted);
    EXPECT_EQ(lock_or_wait(owner(2), exclusive(0, 0)), Answer::blocked);
    unlock(owner(2), {30, 30});
    unlock(owner(1), {0, 0});
    ASSERT_EQ(served().size(), 1U);
    EXPECT_EQ(lock_or_wait(owner(2), exclusive(0, 0)), Answer::granted)
        << "its third and last, asked for again before it is told";
}

TEST_F(FewLocks, AWaiterIsServedWhenThereIsRoom) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 0)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 0)), Answer::blocked);
    for (std::uint64_t n = 1; n < 4; ++n)
        ASSERT_EQ(lock(owner(2), exclusive(n * 10, n * 10), "g"), Answer::granted);
    unlock(owner(1), {0, 0});
    EXPECT_TRUE(served().empty()) << "it would be its fourth";
    EXPECT_EQ(told.contentions, 1);
    EXPECT_TRUE(table.retry());
    unlock(owner(2), {10, 10}, "g");
    EXPECT_FALSE(table.retry());
    EXPECT_EQ(served().size(), 1U);
}

TEST_F(FewLocks, ARefusedGrantIsNotRestoredPastTheCeiling) {
    for (std::uint64_t n = 0; n < 3; ++n)
        ASSERT_EQ(lock(owner(1), shared(n * 10, n * 10)), Answer::granted);
    ASSERT_EQ(lock(owner(2), shared(5, 5)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(1), exclusive(0, 99)), Answer::blocked);
    unlock(owner(2), {5, 5});
    const auto id = told.grants.at(0).id;
    ASSERT_EQ(lock(owner(1), shared(0, 0), "g"), Answer::granted);
    table.refuse(id, host(1).address);
    EXPECT_EQ(table.all().size(), 2U);
    EXPECT_EQ(lock(owner(3), shared(99, 99)), Answer::denied) << "it keeps the lock";
}

TEST_F(FewLocks, AndWaiters) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(2, 2), whole), Answer::no_room);
    EXPECT_EQ(lock_or_wait(owner(2), whole), Answer::blocked) << "it waits already";
    ASSERT_EQ(lock_or_wait(owner(3), whole), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(4), whole), Answer::no_room);
    unlock(owner(1), whole.range);
    EXPECT_EQ(lock_or_wait(owner(4), whole), Answer::no_room) << "not told yet";
    table.acknowledge(told.grants.at(0).id, host(2).address);
    EXPECT_EQ(lock_or_wait(owner(4), whole), Answer::blocked);
}

}  // namespace
}  // namespace berth::nlm::test
