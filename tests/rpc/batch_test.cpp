// What a program keeps from call to call is given back when the calls in a row end.
#include "rpc/batch.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace berth::rpc {
namespace {

thread_local int given_back = 0;

thread_local bool is_anything = true;
thread_local std::uint64_t uses = 0;

constexpr Batch::Kept kept{.give_back = []() noexcept { ++given_back; },
                           .is_anything = []() noexcept { return is_anything; },
                           .uses = []() noexcept { return uses; }};

class Batches : public ::testing::Test {
protected:
    Batches() { given_back = 0; }
};

TEST_F(Batches, NothingIsKeptOutsideOfABatch) {
    EXPECT_FALSE(Batch::may_keep(kept));
    Batch::begin_call(100003);
    Batch::give_back();
    EXPECT_EQ(given_back, 0);
}

TEST_F(Batches, WhatIsKeptIsGivenBackOnceAtTheEnd) {
    {
        Batch batch;
        EXPECT_FALSE(batch.keeps());
        for (int call = 0; call < 3; ++call) {
            Batch::begin_call(100003);
            EXPECT_TRUE(Batch::may_keep(kept));
            EXPECT_TRUE(batch.keeps());
        }
        EXPECT_EQ(given_back, 0);
    }
    EXPECT_EQ(given_back, 1);
    const Batch batch_without_calls;
    EXPECT_EQ(given_back, 1);
}

TEST_F(Batches, WhatIsNothingNeedNotBeGivenBackSoonButIsGivenBack) {
    {
        Batch batch;
        Batch::begin_call(100003);
        EXPECT_TRUE(Batch::may_keep(kept));
        is_anything = false;
        EXPECT_FALSE(batch.keeps());
        is_anything = true;
        EXPECT_TRUE(batch.keeps());
    }
    EXPECT_EQ(given_back, 1);
}

TEST_F(Batches, WhatIsOfNoUseForManyTurnsIsNotWaitedFor) {
    {
        Batch batch;
        for (int call = 0; call < 100; ++call) {
            Batch::begin_call(100003);
            EXPECT_TRUE(Batch::may_keep(kept));
            ++uses;
            EXPECT_TRUE(batch.keeps()) << "it is of use in each call";
        }
        int turns = 0;
        while (batch.keeps()) ++turns;
        EXPECT_GT(turns, 8);
        EXPECT_LT(turns, 1000);
        EXPECT_TRUE(batch.owes());
        EXPECT_EQ(given_back, 0) << "whoever waits sees to that";
        ++uses;
        EXPECT_TRUE(batch.keeps());
    }
    EXPECT_EQ(given_back, 1);
}

TEST_F(Batches, ACallOfAnotherProgramFindsNothingKept) {
    Batch batch;
    Batch::begin_call(100003);
    EXPECT_TRUE(Batch::may_keep(kept));
    Batch::begin_call(100021);
    EXPECT_EQ(given_back, 1);
    EXPECT_FALSE(batch.keeps());
    Batch::begin_call(100003);
    EXPECT_EQ(given_back, 1);
}

TEST_F(Batches, WhatIsGivenBackEarlyIsNotOwedAgain) {
    {
        Batch batch;
        Batch::begin_call(100003);
        EXPECT_TRUE(Batch::may_keep(kept));
        Batch::give_back();
        EXPECT_EQ(given_back, 1);
    }
    EXPECT_EQ(given_back, 1);
}

TEST_F(Batches, AreOfTheirThread) {
    Batch batch;
    Batch::begin_call(100003);
    EXPECT_TRUE(Batch::may_keep(kept));
    std::thread{[] {
        EXPECT_FALSE(Batch::may_keep(kept));
        const Batch other;
        EXPECT_TRUE(Batch::may_keep(kept));
        Batch::give_back();
        EXPECT_EQ(given_back, 1);
    }}.join();
    EXPECT_EQ(given_back, 0);
}

TEST_F(Batches, EndWhenAnExceptionPasses) {
    try {
        Batch batch;
        Batch::begin_call(100003);
        EXPECT_TRUE(Batch::may_keep(kept));
        throw 1;
    } catch (int) {
        EXPECT_EQ(given_back, 1);
    }
}

}  // namespace
}  // namespace berth::rpc
