// The reply cache inside the dispatcher: what happens to bytes that arrive twice.
#include <string>

#include <gtest/gtest.h>

#include "rpc/client.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/support/loopback.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using test::Fate;
using test::hex_of;
using test::Loopback;

class Replays : public DispatcherTest {
protected:
    Replays() {
        auto made = std::make_unique<Loopback>(dispatcher);
        network = made.get();
        client = std::make_unique<Client>(std::move(made), toy::program_2);
    }

    Loopback* network = nullptr;
    std::unique_ptr<Client> client;
};

TEST_F(Replays, TheSameBytesTwiceAreAnsweredTwiceAndRunOnce) {
    const auto call = toy_call<toy::Count>({1});
    const auto first = answer(call);
    EXPECT_EQ(results_of<toy::Count>(first).total, 1U);
    EXPECT_EQ(hex_of(answer(call)), hex_of(first));
    EXPECT_EQ(service.runs, 1U);
    // Another xid is another call.
    EXPECT_EQ(results_of<toy::Count>(answer(toy_call<toy::Count>({1}, {.xid = 2}))).total, 2U);
}

TEST_F(Replays, WhatDoesNoHarmRunsAgain) {
    const auto call = toy_call<toy::Echo>({bytes_of("again")});
    answer(call);
    answer(call);
    EXPECT_EQ(service.runs, 2U);
    EXPECT_EQ(dispatcher.reply_cache().statistics().entries, 0U);
}

TEST_F(Replays, ACopyOfACallInProgressIsDropped) {
    const auto call = toy_call<toy::CountOnWorker>({1});
    const auto first = take(call);
    EXPECT_EQ(dispatcher.handle(*first), Verdict::worker);
    const auto copy = take(call);
    EXPECT_EQ(dispatcher.handle(*copy), Verdict::silent);
    EXPECT_EQ(dispatcher.finish(*first), Verdict::reply);
    EXPECT_EQ(hex_of(answer(call)), hex_of(first->reply.flat()));
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(Replays, TheExchangeKnowsTheWayOfTheNewestCopy) {
    const auto call = toy_call<toy::CountDeferred>({1});
    const auto first = take(call);
    first->path = std::make_shared<KeptReplies>();
    EXPECT_EQ(dispatcher.handle(*first), Verdict::worker);
    const auto copy = take(call);
    copy->path = std::make_shared<KeptReplies>();
    EXPECT_EQ(dispatcher.handle(*copy), Verdict::silent);
    EXPECT_EQ(dispatcher.finish(*first), Verdict::reply);
    EXPECT_EQ(first->newest_path, copy->path);
    EXPECT_NE(first->path, copy->path);
}

TEST_F(Replays, TwoClientsWithTheSameXidAreKeptApart) {
    const auto call = toy_call<toy::Count>({1});
    EXPECT_EQ(results_of<toy::Count>(answer(call, "192.0.2.7")).total, 1U);
    EXPECT_EQ(results_of<toy::Count>(answer(call, "192.0.2.8")).total, 2U);
    // Behind one address: the arguments differ, or who calls.
    EXPECT_EQ(results_of<toy::Count>(answer(toy_call<toy::Count>({10}))).total, 12U);
    const auto as = [](std::uint32_t uid, std::string_view machine) {
        return toy_call<toy::Count>(
            {1}, {.flavor = AuthFlavor::sys, .credential = auth_sys(uid, 100, {}, machine)});
    };
    EXPECT_EQ(results_of<toy::Count>(answer(as(1000, "one"))).total, 13U);
    EXPECT_EQ(results_of<toy::Count>(answer(as(1001, "one"))).total, 14U);
    EXPECT_EQ(results_of<toy::Count>(answer(as(1000, "two"))).total, 15U);
    EXPECT_EQ(results_of<toy::Count>(answer(as(1000, "one"))).total, 13U);
}

TEST_F(Replays, TheAddressCountsAndThePortDoesNot) {
    const auto call = toy_call<toy::Count>({1});
    const auto exchange = take(call);
    dispatcher.handle(*exchange);
    exchange->reset();
    exchange->request = call;
    exchange->call.caller.port = 999;
    dispatcher.handle(*exchange);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(Replays, ARepeatedReplyIsWholeHoweverLarge) {
    auto large = service.program({0x20000050, 1, "LARGE"});
    large.procedures[toy::Produce::id.number].id.replay = Replay::remember;
    dispatcher.add(std::move(large));
    const auto call = toy_call<toy::Produce>({20'000}, {.program = 0x20000050, .version = 1});
    const auto first = answer(call);
    const auto again = answer(call);
    EXPECT_EQ(again.size(), first.size());
    EXPECT_TRUE(again == first);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(Replays, AnAnswerToBeForgottenIsForgotten) {
    const auto call = toy_call<toy::CountLater>({1});
    EXPECT_EQ(results_of<toy::CountLater>(answer(call)).total, 1U);
    EXPECT_EQ(results_of<toy::CountLater>(answer(call)).total, 2U);
    // And that only concerned that call, not the next in its place.
    const auto exchange = take(call);
    dispatcher.handle(*exchange);
    const auto caller = exchange->call.caller;
    exchange->reset();
    const auto other = toy_call<toy::Count>({1});
    exchange->request = other;
    exchange->call.caller = caller;
    dispatcher.handle(*exchange);
    EXPECT_EQ(results_of<toy::Count>(answer(other)).total, 4U);
    EXPECT_EQ(service.runs, 4U);
}

TEST_F(Replays, RefusalsAreNotRemembered) {
    auto call = toy_call<toy::Count>({1});
    const auto whole = call;
    call.resize(call.size() - 1);
    EXPECT_EQ(hex_of(answer(call)).substr(40), "00000004");
    EXPECT_EQ(hex_of(answer(toy_call<toy::Throw>({}))).substr(40), "00000005");
    EXPECT_EQ(dispatcher.reply_cache().statistics().entries, 0U);
    EXPECT_EQ(results_of<toy::Count>(answer(whole)).total, 1U);
}

TEST_F(Replays, ACallGivenUpMayRunLater) {
    const auto call = toy_call<toy::CountOnWorker>({1});
    const auto exchange = take(call);
    EXPECT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    dispatcher.give_up(*exchange);
    EXPECT_EQ(results_of<toy::CountOnWorker>(answer(call)).total, 1U);
}

TEST_F(Replays, AfterItsTimeACallRunsAgain) {
    const auto call = toy_call<toy::Count>({1});
    answer(call);
    now += std::chrono::seconds{120};
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 1U);
    now += std::chrono::seconds{1};
    EXPECT_EQ(results_of<toy::Count>(answer(call)).total, 2U);
}

TEST_F(Replays, WhateverTheNetworkDoesEachCallCountsOnce) {
    std::uint32_t expected = 0;
    const std::initializer_list<Fate> storms[] = {
        {Fate::arrives},
        {Fate::call_lost},
        {Fate::reply_lost},
        {Fate::twice},
        {Fate::comes_again},
        {Fate::reply_lost, Fate::call_lost, Fate::twice},
        {Fate::reply_lost, Fate::reply_lost, Fate::reply_lost},
        {Fate::comes_again, Fate::reply_lost, Fate::comes_again},
    };
    for (const auto& storm : storms) {
        network->fates(storm);
        EXPECT_EQ(client->call<toy::Count>({1})->total, ++expected);
        EXPECT_EQ(client->call<toy::CountOnWorker>({1})->total, ++expected);
        EXPECT_EQ(client->call<toy::CountDeferred>({1})->total, ++expected);
    }
    EXPECT_EQ(service.total, expected);
}

TEST_F(Replays, ANetworkThatLosesEverythingIsATimeOut) {
    network->fates({Fate::call_lost, Fate::call_lost, Fate::reply_lost, Fate::call_lost});
    const auto lost = client->call<toy::Count>({1});
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, Failure::Kind::transport);
    EXPECT_EQ(lost.error().system, boost::system::errc::timed_out);
    EXPECT_EQ(service.total, 1U);
}

}  // namespace
}  // namespace berth::rpc
