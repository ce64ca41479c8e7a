// Lack of memory, wherever it shows: the call fails, and nothing of it is left behind.
#include <functional>
#include <memory>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "rpc/interceptor.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/support/allocations.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;

class Counting final : public Interceptor {
public:
    Decision before(const Intercepted&) override {
        ++begun;
        return Decision::go_on();
    }
    void after(const Intercepted&, Ending, Reply&) override { ++ended; }

    int begun = 0;
    int ended = 0;
};

class Shortage : public DispatcherTest, public ::testing::WithParamInterface<bool> {
protected:
    Shortage() {
        if (GetParam()) dispatcher.intercept(counting);
    }

    /// Has each allocation of the call fail in its turn; the same bytes are answered after each.
    void expect_nothing_stuck(const std::function<Bytes(std::uint32_t xid)>& make) {
        bool is_over = false;
        std::uint32_t turn = 0;
        for (; !is_over; ++turn) {
            const auto call = make(turn);
            const auto runs = service.runs.load();
            auto exchange = take(call);
            exchange->path = std::make_shared<KeptReplies>();
            test::fail_allocation(turn);
            try {
                auto verdict = dispatcher.handle(*exchange);
                if (verdict == Verdict::guarded) verdict = dispatcher.attempt(*exchange);
                if (verdict == Verdict::worker) dispatcher.finish(*exchange);
            } catch (const std::bad_alloc&) {  // ends the connection
            }
            is_over = !test::stop_failing();
            exchange.reset();
            EXPECT_FALSE(answer(call).empty()) << "allocation " << turn << ": still in progress";
            EXPECT_LE(service.runs, runs + 2) << turn;
        }
        EXPECT_GT(turn, 1U) << "something has been allocated";
        EXPECT_EQ(counting->begun, counting->ended);
    }

    std::shared_ptr<Counting> counting = std::make_shared<Counting>();
};

TEST_P(Shortage, LeavesNoCallInProgress) {
    expect_nothing_stuck([](std::uint32_t xid) { return toy_call<toy::Count>({1}, {.xid = xid}); });
}

TEST_P(Shortage, LeavesNoCallOfAWorkerInProgress) {
    expect_nothing_stuck(
        [](std::uint32_t xid) { return toy_call<toy::CountOnWorker>({1}, {.xid = xid}); });
}

TEST_P(Shortage, LeavesNoGuardedCallInProgress) {
    for (const auto may : {toy::CountGuarded::May::go_on, toy::CountGuarded::May::defer})
        expect_nothing_stuck([&](std::uint32_t xid) {
            return toy_call<toy::CountGuarded>(
                {1, may, {}}, {.xid = 1000 * (1 + static_cast<std::uint32_t>(may)) + xid});
        });
}

TEST_P(Shortage, OfLargeResultsToo) {
    expect_nothing_stuck(
        [](std::uint32_t xid) { return toy_call<toy::Produce>({100'000}, {.xid = xid}); });
}

INSTANTIATE_TEST_SUITE_P(Calls, Shortage, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "Intercepted" : "Plain"; });

}  // namespace
}  // namespace berth::rpc
