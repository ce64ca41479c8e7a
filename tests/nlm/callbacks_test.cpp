// Calls to clients: in order, again until done, and no client holds up another.
#include "nlm/callbacks.hpp"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/dispatcher.hpp"
#include "tests/nlm/table_fixture.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/loopback.hpp"

namespace berth::nlm::test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class CallbacksTest : public ::testing::Test {
protected:
    Callback callback(int to, std::string name, int failures = 0) {
        Callback made{.path = {.client = host(to).address, .local = {}},
                      .program = {.number = 100021, .version = 4, .name = "NLM"},
                      .call = {},
                      .patience = {}};
        made.call = [this, name = std::move(name), failures](rpc::Client&) mutable {
            attempts.push_back(name);
            return failures-- == 0;
        };
        return made;
    }
    void run_until(Callbacks::Clock::time_point until) {
        for (auto next = callbacks.run_one(until); next && *next <= until;)
            next = callbacks.run_one(until);
    }

    rpc::Dispatcher nobody;
    std::vector<std::string> attempts;
    Callbacks callbacks{[this](const ReturnPath&, const rpc::ProgramId& program) {
        return std::make_unique<rpc::Client>(std::make_unique<berth::test::Loopback>(nobody),
                                             program);
    }};
    Callbacks::Clock::time_point start = Callbacks::Clock::now() + seconds{1};
};

TEST_F(CallbacksTest, GoInOrder) {
    for (const auto* name : {"a", "b", "c"}) callbacks.post(callback(1, name));
    run_until(start);
    EXPECT_THAT(attempts, ElementsAre("a", "b", "c"));
    EXPECT_FALSE(callbacks.run_one(start)) << "nothing is left";
}

TEST_F(CallbacksTest, AreTriedAgainWithGrowingPauses) {
    callbacks.post(callback(1, "a", 7));
    std::vector<long> pauses;
    auto now = start;
    while (const auto next = callbacks.run_one(now)) {
        pauses.push_back((*next - now) / seconds{1});
        now = *next;
    }
    EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 30, 30));
    EXPECT_EQ(attempts.size(), 8U);
}

TEST_F(CallbacksTest, OfOneClientDoNotWaitForAnother) {
    callbacks.post(callback(1, "away", 1000));
    callbacks.post(callback(2, "there"));
    run_until(start);
    EXPECT_THAT(attempts, testing::UnorderedElementsAre("away", "there"));
}

TEST_F(CallbacksTest, TheLongestDueComesFirst) {
    for (const int to : {9, 1, 5}) callbacks.post(callback(to, std::to_string(to)));
    run_until(start);
    EXPECT_THAT(attempts, ElementsAre("9", "1", "5"));
}

TEST_F(CallbacksTest, GrantsGoBeforeTheOthersUnlessTheirClientIsAway) {
    auto away = callback(1, "grant to one that is away", 1000);
    auto there = callback(2, "grant");
    away.kind = there.kind = Callback::Kind::grant;
    callbacks.post(std::move(away));
    run_until(start);
    callbacks.post(callback(3, "notice"));
    callbacks.post(std::move(there));
    attempts.clear();
    run_until(start + seconds{60});
    ASSERT_GE(attempts.size(), 3U);
    attempts.resize(3);
    EXPECT_EQ(attempts[0], "grant");
}

TEST_F(CallbacksTest, AThreadIsKeptForGrants) {
    berth::test::Gate gate;
    gate.close();
    callbacks.start(4);
    for (int to = 1; to <= 20; ++to) {
        auto made = callback(to, {});
        made.call = [&](rpc::Client&) {
            gate.pass();
            return true;
        };
        callbacks.post(std::move(made));
    }
    gate.await_held_back(3);
    std::promise<void> done;
    auto made = callback(200, {});
    made.kind = Callback::Kind::grant;
    made.call = [&](rpc::Client&) {
        done.set_value();
        return true;
    };
    callbacks.post(std::move(made));
    EXPECT_EQ(done.get_future().wait_for(berth::test::patience), std::future_status::ready);
    EXPECT_EQ(gate.held_back(), 3U);
    gate.open();
    gate.await_passed(20);
    EXPECT_TRUE(callbacks.stop(berth::test::patience));
}

TEST_F(CallbacksTest, AnswersToWhomeverHaveACeilingOfTheirOwn) {
    int given_up = 0;
    const auto post = [&](std::size_t n, Callback::Kind kind) {
        auto made = callback(1, "a");
        made.path.client.bytes[14] = static_cast<std::byte>(n >> 8U);
        made.path.client.bytes[15] = static_cast<std::byte>(n);
        made.kind = kind;
        made.given_up = [&] { ++given_up; };
        callbacks.post(std::move(made));
    };
    for (std::size_t n = 0; n < Callbacks::answers_max; ++n) post(n, Callback::Kind::answer);
    EXPECT_EQ(given_up, 0);
    post(Callbacks::answers_max, Callback::Kind::answer);
    EXPECT_EQ(given_up, 1);
    post(Callbacks::answers_max, Callback::Kind::grant);
    post(Callbacks::answers_max + 1, Callback::Kind::other);
    EXPECT_EQ(given_up, 1);
    run_until(start);
    EXPECT_EQ(attempts.size(), Callbacks::answers_max + 2);
    post(0, Callback::Kind::answer);
    EXPECT_EQ(given_up, 1) << "there is room again";
}

TEST_F(CallbacksTest, AreForgottenWhenNobodyWantsThem) {
    bool is_wanted = true;
    auto made = callback(1, "a", 1000);
    made.is_wanted = [&] { return is_wanted; };
    callbacks.post(std::move(made));
    run_until(start);
    is_wanted = false;
    EXPECT_FALSE(callbacks.run_one(start + seconds{60}));
    EXPECT_EQ(attempts.size(), 1U);
}

TEST_F(CallbacksTest, AreGivenUpAfterTheirPatience) {
    int given_up = 0;
    auto made = callback(1, "a", 1000);
    made.patience = seconds{30};
    made.given_up = [&] { ++given_up; };
    callbacks.post(std::move(made));
    run_until(start + seconds{10});
    EXPECT_EQ(given_up, 0);
    run_until(start + seconds{100});
    EXPECT_EQ(given_up, 1);
}

TEST_F(CallbacksTest, BeyondTheCeilingTheNewestAreLost) {
    int given_up = 0;
    for (std::size_t n = 0; n < Callbacks::line_callbacks_max + 10; ++n) {
        auto made = callback(1, "a");
        made.given_up = [&] { ++given_up; };
        callbacks.post(std::move(made));
    }
    EXPECT_EQ(given_up, 10);
    run_until(start);
    EXPECT_EQ(attempts.size(), Callbacks::line_callbacks_max);
}

TEST_F(CallbacksTest, RunOnThreadsThatEndWhenTold) {
    std::promise<void> done;
    auto made = callback(1, "a");
    made.call = [&](rpc::Client&) {
        done.set_value();
        return true;
    };
    callbacks.start(2);
    callbacks.post(std::move(made));
    EXPECT_EQ(done.get_future().wait_for(berth::test::patience), std::future_status::ready);
    EXPECT_TRUE(callbacks.stop(berth::test::patience));
}

TEST_F(CallbacksTest, StopTellsOfAnAttemptThatHangs) {
    berth::test::Gate gate;
    gate.close();
    auto made = callback(1, "a");
    made.call = [&](rpc::Client&) {
        gate.pass();
        return true;
    };
    callbacks.start(2);
    callbacks.post(std::move(made));
    gate.await_held_back(1);
    EXPECT_FALSE(callbacks.stop(std::chrono::milliseconds{1}));
    gate.open();
    EXPECT_TRUE(callbacks.stop(berth::test::patience));
}

}  // namespace
}  // namespace berth::nlm::test
