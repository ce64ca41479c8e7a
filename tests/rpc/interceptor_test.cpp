#include "rpc/interceptor.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"
#include "tests/support/allocations.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using std::chrono::milliseconds;
using test::bytes_of;
using test::hex_of;

std::string text_of(Arrival arrival) {
    switch (arrival) {
    case Arrival::to_run: return "";
    case Arrival::refused: return "refused ";
    case Arrival::repeated: return "repeated ";
    case Arrival::in_progress: return "in progress ";
    }
    return "?";
}

std::string text_of(Ending ending) {
    switch (ending) {
    case Ending::answered: return "";
    case Ending::unanswered: return " unanswered";
    case Ending::given_up: return " given up";
    }
    return "?";
}

/// Writes down what it sees, and does as the test says.
class Witness final : public Interceptor {
public:
    Decision before(const Intercepted& call) override {
        seen += "<" + text_of(call.arrival()) + std::string{call.call().procedure.name};
        return decide ? decide(call) : Decision::go_on();
    }
    void after(const Intercepted& call, Ending ending, Reply& reply) override {
        if (change) change(call, reply);
        const auto status = reply.accept_status();
        seen += " " + (status ? std::to_string(static_cast<int>(*status)) : "-") + " " +
                std::to_string(reply.bytes()) + text_of(ending) + ">";
        last_where = call.call().where;
    }
    std::string take_seen() { return std::exchange(seen, {}); }

    std::string seen;
    std::function<Decision(const Intercepted&)> decide;
    std::function<void(const Intercepted&, Reply&)> change;
    std::optional<Where> last_where;
};

class Intercepting : public DispatcherTest {
protected:
    Intercepting() { dispatcher.intercept(witness); }

    std::shared_ptr<Witness> witness = std::make_shared<Witness>();
};

TEST_F(Intercepting, EachCallIsSeenOnceHoweverOftenItRan) {
    answer(call_bytes({}));
    answer(toy_call<toy::Defer>({true}));
    answer(toy_call<toy::CountOnWorker>({1}));
    answer(toy_call<toy::Throw>({}));
    EXPECT_EQ(witness->seen, "<NULL 0 24>"
                             "<DEFER 0 28>"
                             "<COUNT_ON_WORKER 0 28>"
                             "<THROW 5 24>");
}

TEST_F(Intercepting, RefusalsAndCopiesPassToo) {
    answer(call_bytes({.rpc_version = 3}));
    answer(call_bytes({.program = 99}));
    answer(call_bytes({.version = 3}));
    answer(call_bytes({.procedure = 7}));
    answer(call_bytes({.procedure = 1, .flavor = AuthFlavor::sys}));
    EXPECT_EQ(witness->take_seen(), "<refused  - 24>"
                                    "<refused  1 24>"
                                    "<refused  2 32>"
                                    "<refused  3 24>"
                                    "<refused  - 20>");
    answer(toy_call<toy::Echo>({bytes_of("x")}, {.xid = 2}));
    const auto count = toy_call<toy::Count>({1});
    const auto first = answer(count);
    EXPECT_EQ(hex_of(answer(count)), hex_of(first));
    EXPECT_EQ(witness->take_seen(), "<ECHO 0 32><COUNT 0 28><repeated COUNT 0 28>");
    const auto on_worker = toy_call<toy::CountOnWorker>({1}, {.xid = 3});
    const auto exchange = take(on_worker);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    EXPECT_TRUE(answer(on_worker).empty());
    EXPECT_EQ(witness->take_seen(), "<COUNT_ON_WORKER<in progress COUNT_ON_WORKER - 0 unanswered>");
}

TEST_F(Intercepting, OnesThatComeAndGoSeeTheCallsInBetween) {
    const auto late = std::make_shared<Witness>();
    answer(call_bytes({}));
    dispatcher.intercept(late);
    dispatcher.intercept(late);
    answer(call_bytes({}));
    dispatcher.intercept_no_more(*witness);
    const auto on_worker = toy_call<toy::CountOnWorker>({1}, {.xid = 4});
    const auto exchange = take(on_worker);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    dispatcher.intercept_no_more(*late);
    answer(call_bytes({}));
    EXPECT_EQ(dispatcher.finish(*exchange), Verdict::reply);
    EXPECT_EQ(witness->seen, "<NULL 0 24><NULL 0 24>");
    EXPECT_EQ(late->seen, "<NULL 0 24><COUNT_ON_WORKER 0 28>") << "it sees the end of its calls";
}

TEST_F(Intercepting, ACallKnowsItsResultsForAStatus) {
    std::vector<std::byte> failure;
    witness->decide = [&](const Intercepted& call) {
        failure = call.failure(7);
        return Decision::go_on();
    };
    answer(call_bytes({}));
    EXPECT_TRUE(failure.empty()) << "NULL has no status";
}

TEST_F(Intercepting, WhatIsNoCallDoesNotPass) {
    answer(bytes_of("nonsense"));
    answer(call_bytes({.type = 1}));
    EXPECT_EQ(witness->seen, "");
}

TEST_F(Intercepting, TheNumbersOfProgramsThatAreNotServedAreSeen) {
    std::uint32_t program = 0;
    std::uint32_t procedure = 0;
    witness->decide = [&](const Intercepted& call) {
        program = call.call().program.number;
        procedure = call.call().procedure.number;
        return Decision::go_on();
    };
    answer(call_bytes({.program = 99, .procedure = 7}));
    EXPECT_EQ(program, 99U);
    EXPECT_EQ(procedure, 7U);
}

TEST_F(Intercepting, ACallThatIsGivenUpEndsToo) {
    const auto call = toy_call<toy::CountOnWorker>({1});
    auto exchange = take(call);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    exchange.reset();
    EXPECT_EQ(witness->take_seen(), "<COUNT_ON_WORKER - 0 given up>");
    exchange = take(call);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    exchange->reset();
    EXPECT_EQ(witness->take_seen(), "<COUNT_ON_WORKER - 0 given up>");
}

TEST_F(Intercepting, WhereACallRanIsSeen) {
    answer(call_bytes({}));
    EXPECT_EQ(witness->last_where, Where::network_thread);
    answer(toy_call<toy::CountGuarded>({1, toy::CountGuarded::May::go_on, {}}));
    EXPECT_EQ(witness->last_where, Where::section);
    answer(toy_call<toy::Defer>({true}));
    EXPECT_EQ(witness->last_where, Where::worker);
}

TEST_F(Intercepting, TimesAreInOrderAndNumbersDiffer) {
    std::vector<std::uint64_t> numbers;
    witness->change = [&](const Intercepted& call, Reply&) {
        numbers.push_back(call.number());
        EXPECT_LE(call.arrived_at(), call.began_at());
        EXPECT_LE(call.began_at(), call.ended_at());
    };
    answer(call_bytes({}));
    answer(toy_call<toy::Defer>({true}));
    answer(call_bytes({.program = 99}));
    EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(Intercepting, ACallThatIsDroppedNeitherRunsNorCountsAsInProgress) {
    witness->decide = [](const Intercepted&) { return Decision::drop(); };
    const auto call = toy_call<toy::Count>({1});
    EXPECT_TRUE(answer(call).empty());
    EXPECT_EQ(service.runs, 0U);
    EXPECT_EQ(witness->take_seen(), "<COUNT - 0 unanswered>");
    witness->decide = {};
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 1U) << "sent again";
}

TEST_F(Intercepting, ACallCanBeRefusedDeniedOrAnswered) {
    const auto call = toy_call<toy::Count>({1});
    witness->decide = [](const Intercepted&) {
        return Decision::refuse(AcceptStatus::system_error);
    };
    EXPECT_EQ(hex_of(answer(call)), "11223344000000010000000000000000"
                                    "0000000000000005");
    witness->decide = [](const Intercepted&) { return Decision::deny(AuthStatus::too_weak); };
    EXPECT_EQ(hex_of(answer(call)), "1122334400000001000000010000000100000005");
    witness->decide = [](const Intercepted&) {
        return Decision::answer(test::encoded(toy::Count::Result{.total = 77}));
    };
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 77U);
    EXPECT_EQ(service.runs, 0U);
    witness->decide = {};
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 1U) << "none of that is remembered";
}

TEST_F(Intercepting, ARefusalAndARememberedReplyCanBecomeAnother) {
    const auto count = toy_call<toy::Count>({1});
    answer(count);
    witness->decide = [](const Intercepted& call) {
        return call.arrival() == Arrival::repeated ? Decision::drop()
                                                   : Decision::refuse(AcceptStatus::system_error);
    };
    EXPECT_TRUE(answer(count).empty());
    EXPECT_EQ(hex_of(answer(call_bytes({.program = 99}))).substr(40), "00000005");
    witness->decide = {};
    EXPECT_EQ(results_of<toy::Count>(answer(count)).total, 1U) << "it is still remembered";
}

TEST_F(Intercepting, ADelayedCallRunsWhenItIsResumed) {
    witness->decide = [](const Intercepted&) { return Decision::go_on().after(milliseconds{5}); };
    const auto call = toy_call<toy::Count>({1});
    const auto exchange = take(call);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::delayed);
    EXPECT_EQ(exchange->interception.decision.delay(), milliseconds{5});
    EXPECT_EQ(service.runs, 0U);
    EXPECT_EQ(dispatcher.handle(*take(call)), Verdict::delayed) << "a copy";
    EXPECT_EQ(dispatcher.resume(*exchange), Verdict::reply);
    EXPECT_EQ(results_of<toy::Count>(exchange->reply.flat()).total, 1U);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(Intercepting, AResultCanBeChangedAndIsRememberedSo) {
    witness->change = [](const Intercepted& call, Reply& reply) {
        const auto add = [](toy::Count::Result& result) { result.total += 100; };
        const bool is_new = call.arrival() == Arrival::to_run;
        EXPECT_TRUE(!is_new || change_result<toy::Count>(call, reply, toy::program_2, add));
        EXPECT_FALSE(change_result<toy::CountOnWorker>(call, reply, toy::program_2, [](auto&) {}));
        EXPECT_FALSE(change_result<toy::Count>(call, reply, toy::program_4, [](auto&) {}));
    };
    const auto call = toy_call<toy::Count>({1});
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 101U);
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 101U);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(Intercepting, ALargeResultThatIsOnlyReferencedCanBeChanged) {
    witness->change = [](const Intercepted& call, Reply& reply) {
        change_result<toy::Produce>(call, reply, toy::program_2, [](toy::Produce::Result& result) {
            result.data = xdr::Opaque<>{result.data.bytes().first(50'000)};
        });
    };
    const auto reply = answer(toy_call<toy::Produce>({100'000}));
    const auto data = results_of<toy::Produce>(reply).data.bytes();
    ASSERT_EQ(data.size(), 50'000U);
    for (std::size_t i = 0; i < data.size(); ++i)
        ASSERT_EQ(data[i], static_cast<std::byte>(i % 251)) << i;
}

TEST_F(Intercepting, ArgumentsAreSeenByTheirTypes) {
    std::string seen;
    witness->decide = [&](const Intercepted& call) {
        with_arguments<toy::Echo>(call, toy::program_2, [&](const toy::Echo::Args& args) {
            seen += hex_of(args.data.bytes()) + " ";
        });
        return Decision::go_on();
    };
    answer(toy_call<toy::Echo>({bytes_of("ab")}));
    answer(toy_call<toy::Count>({1}));
    const auto whole = toy_call<toy::Echo>({bytes_of("cd")});
    answer(std::span{whole}.first(whole.size() - 4));
    EXPECT_EQ(seen, "6162 ");
}

TEST_F(Intercepting, TheFirstThatDecidesIsTheLastThatIsAskedAndDelaysAddUp) {
    const auto second = std::make_shared<Witness>();
    dispatcher.intercept(second);
    witness->decide = [](const Intercepted&) { return Decision::go_on().after(milliseconds{2}); };
    second->decide = [](const Intercepted&) { return Decision::drop().after(milliseconds{3}); };
    const auto call = call_bytes({});
    auto exchange = take(call);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::delayed);
    EXPECT_EQ(exchange->interception.decision.delay(), milliseconds{5});
    EXPECT_EQ(dispatcher.resume(*exchange), Verdict::silent);
    EXPECT_EQ(witness->take_seen() + second->take_seen(),
              "<NULL - 0 unanswered><NULL - 0 unanswered>");
    witness->decide = [](const Intercepted&) { return Decision::drop(); };
    exchange->reset();
    ASSERT_EQ(dispatcher.handle(*(exchange = take(call))), Verdict::silent);
    EXPECT_EQ(witness->take_seen() + second->take_seen(), "<NULL - 0 unanswered>");
}

TEST_F(Intercepting, OneThatFailsEndsItsCallForAllAndTheNextGoesOn) {
    const auto second = std::make_shared<Witness>();
    dispatcher.intercept(second);
    second->decide = [](const Intercepted&) -> Decision { throw std::bad_alloc{}; };
    const auto call = toy_call<toy::Count>({1});
    EXPECT_THROW(answer(call), std::bad_alloc);
    EXPECT_EQ(witness->take_seen(), "<COUNT - 0 given up>");
    second->decide = {};
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 1U);
}

TEST_F(Intercepting, WatchingAllocatesNothing) {
    class Counter final : public Interceptor {
    public:
        void after(const Intercepted&, Ending, Reply&) override { ++count; }
        int count = 0;
    };
    Dispatcher watched;
    watched.add(service.program());
    const auto counter = std::make_shared<Counter>();
    watched.intercept(counter);
    Exchange exchange;
    const auto call = toy_call<toy::Echo>({bytes_of("something of no great length")});
    const auto run = [&] {
        exchange.request = call;
        EXPECT_EQ(watched.handle(exchange), Verdict::reply);
        exchange.reset();
    };
    run();
    test::forget_allocations();
    for (int i = 0; i < 1000; ++i) run();
    EXPECT_EQ(test::allocations().count, 0U);
    EXPECT_EQ(counter->count, 1001);
}

struct WithWord {
    using Args = xdr::Void;
    struct Result {
        std::uint32_t cookie;
        AuthStatus status;
    };
};
struct WithUnion {
    using Args = xdr::Void;
    using Result = AcceptedBody;
};

template <class Procedure>
std::optional<std::uint32_t> status_of(const typename Procedure::Result& result) {
    const auto bytes = test::encoded(result);
    return detail::status_of<Procedure>(xdr::Reader{bytes});
}

TEST(StatusWords, AreTheFirstStatusInResultsThatHaveOne) {
    EXPECT_EQ(status_of<toy::Count>({3}), std::nullopt);
    EXPECT_EQ(status_of<WithWord>({9, AuthStatus::too_weak}), 5U);
    EXPECT_EQ(status_of<WithUnion>(AcceptedBody::otherwise(AcceptStatus::system_error)), 5U);
}

}  // namespace
}  // namespace berth::rpc
