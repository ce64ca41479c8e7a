#include "rpc/dispatcher.hpp"

#include <string>

#include <gtest/gtest.h>

#include "rpc/client.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/loopback.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using test::bytes_of_hex;
using test::hex_of;

using Decisions = DispatcherTest;
using Handlers = DispatcherTest;

// Accepted replies: xid, REPLY, MSG_ACCEPTED, AUTH_NONE, length 0; then accept_stat.
const std::string accepted_hex = "112233440000000100000000"
                                 "0000000000000000";
const std::string success = accepted_hex + "00000000";
// Denied: xid, REPLY, MSG_DENIED; then reject_stat.
const std::string denied_hex = "112233440000000100000001";
const std::string bad_credential = denied_hex + "0000000100000001";

TEST_F(Decisions, ANullCallSucceedsWithNothing) {
    EXPECT_EQ(answer_hex(call_bytes({})), success);
}

TEST_F(Decisions, TheXidIsEchoedWhateverItIs) {
    for (const std::uint32_t xid : {0U, 1U, 0x80000000U, 0xFFFFFFFFU}) {
        xdr::Writer expected;
        expected.u32(xid);
        EXPECT_EQ(answer_hex(call_bytes({.xid = xid})).substr(0, 8), hex_of(expected.flat()));
    }
}

TEST_F(Decisions, WhatIsTooShortForACallIsMetWithSilence) {
    const auto whole = call_bytes({});
    constexpr std::size_t to_the_procedure = 24;
    for (std::size_t size = 0; size < to_the_procedure; ++size)
        EXPECT_EQ(answer_hex(std::span{whole}.first(size)), "") << size;
    // From there on it is a call whose credential or verifier can't be read.
    for (std::size_t size = to_the_procedure; size < whole.size(); ++size)
        EXPECT_EQ(answer_hex(std::span{whole}.first(size)).substr(0, 32), denied_hex + "00000001")
            << size;
}

TEST_F(Decisions, RepliesAndUnknownMessageTypesAreMetWithSilence) {
    EXPECT_EQ(answer_hex(call_bytes({.type = 1})), "");
    EXPECT_EQ(answer_hex(call_bytes({.type = 2})), "");
    EXPECT_EQ(answer_hex(call_bytes({.type = 0xFFFFFFFF})), "");
    EXPECT_EQ(service.runs, 0U);
}

TEST_F(Decisions, AnotherRpcVersionIsAMismatchBeforeAnythingElse) {
    const auto mismatch = denied_hex + "00000000"
                                       "00000002"
                                       "00000002";
    const Bytes too_much(404);
    for (const std::uint32_t version : {0U, 1U, 3U, 0xFFFFFFFFU})
        EXPECT_EQ(answer_hex(call_bytes({.rpc_version = version,
                                         .program = 99,
                                         .flavor = AuthFlavor::sys,
                                         .credential = too_much})),
                  mismatch);
}

TEST_F(Decisions, TheCredentialComesBeforeTheProgram) {
    EXPECT_EQ(answer_hex(call_bytes({.program = 99, .procedure = 1, .flavor = AuthFlavor::sys})),
              bad_credential);
}

TEST_F(Decisions, AnUnknownProgramIsUnavailable) {
    EXPECT_EQ(answer_hex(call_bytes({.program = 99})), accepted_hex + "00000001");
    EXPECT_EQ(answer_hex(call_bytes({.program = 0})), accepted_hex + "00000001");
    EXPECT_EQ(answer_hex(call_bytes({.program = 0xFFFFFFFF, .procedure = 0xFFFFFFFF})),
              accepted_hex + "00000001");
}

TEST_F(Decisions, AnUnknownVersionIsToldTheLowestAndTheHighest) {
    const auto mismatch = accepted_hex + "00000002"
                                         "00000002"
                                         "00000004";
    for (const std::uint32_t version : {0U, 1U, 3U, 5U, 0xFFFFFFFFU}) {
        EXPECT_EQ(answer_hex(call_bytes({.version = version})), mismatch);
        EXPECT_EQ(answer_hex(call_bytes({.version = version, .procedure = 1000})), mismatch);
    }
}

TEST_F(Decisions, AnUnknownProcedureIsUnavailable) {
    for (const std::uint32_t procedure : {7U, 15U, 1000U, 0x7FFFFFFFU, 0xFFFFFFFFU})
        EXPECT_EQ(answer_hex(call_bytes({.procedure = procedure})), accepted_hex + "00000003");
    EXPECT_EQ(service.runs, 0U);
}

TEST_F(Decisions, ArgumentsThatDoNotDecodeAreGarbage) {
    const auto whole = toy_call<toy::Echo>({bytes_of("five!")});
    const auto without_arguments = call_bytes({}).size();
    for (std::size_t size = without_arguments; size < whole.size(); ++size)
        EXPECT_EQ(answer_hex(std::span{whole}.first(size)), accepted_hex + "00000004") << size;
    EXPECT_EQ(service.runs, 0U);
    EXPECT_EQ(answer_hex(whole), success + "00000005"
                                           "666976652100"
                                           "0000");
}

TEST_F(Decisions, TrailingBytesAreIgnored) {
    auto call = toy_call<toy::Echo>({bytes_of("four")});
    call.resize(call.size() + 5, std::byte{0xEE});
    EXPECT_EQ(answer_hex(call), success + "00000004"
                                          "666f7572");
}

TEST_F(Handlers, AnExceptionIsASystemErrorAndTheServerGoesOn) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(answer_hex(toy_call<toy::Throw>({})), accepted_hex + "00000005");
        EXPECT_EQ(answer_hex(call_bytes({})), success);
    }
    // It was not remembered either: each of the three ran.
    EXPECT_EQ(service.runs, 6U);
}

TEST_F(Handlers, AClaimedLengthOf4GiBAllocatesNothing) {
    auto call = call_bytes({.procedure = toy::Echo::id.number});
    const auto claim = bytes_of_hex("ffffffff 00000000");
    call.insert(call.end(), claim.begin(), claim.end());
    const auto exchange = take(call);
    dispatcher.handle(*exchange);
    test::forget_allocations();
    EXPECT_EQ(dispatcher.handle(*exchange), Verdict::reply);
    EXPECT_EQ(test::allocations().bytes, 0U);
}

TEST_F(Handlers, APromptProcedureIsAnsweredAtOnce) {
    const auto call = toy_call<toy::Count>({3});
    const auto exchange = take(call);
    EXPECT_EQ(dispatcher.handle(*exchange), Verdict::reply);
    EXPECT_EQ(results_of<toy::Count>(exchange->reply.flat()).total, 3U);
}

TEST_F(Handlers, AWorkersProcedureRunsOnTheSecondPassOnly) {
    const auto call = toy_call<toy::CountOnWorker>({3});
    const auto exchange = take(call);
    EXPECT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    EXPECT_EQ(service.runs, 0U);
    EXPECT_EQ(dispatcher.finish(*exchange), Verdict::reply);
    EXPECT_EQ(results_of<toy::CountOnWorker>(exchange->reply.flat()).total, 3U);
}

TEST_F(Handlers, ADeferringProcedureRunsAgainWithLeaveToBlock) {
    const auto waits = toy_call<toy::Defer>({true});
    const auto exchange = take(waits);
    EXPECT_EQ(dispatcher.handle(*exchange), Verdict::worker);
    EXPECT_EQ(dispatcher.finish(*exchange), Verdict::reply);
    EXPECT_TRUE(results_of<toy::Defer>(exchange->reply.flat()).could_block);
    EXPECT_EQ(service.runs, 2U);

    const auto prompt = toy_call<toy::Defer>({false});
    const auto other = take(prompt);
    EXPECT_EQ(dispatcher.handle(*other), Verdict::reply);
    EXPECT_FALSE(results_of<toy::Defer>(other->reply.flat()).could_block);
}

TEST_F(Handlers, TheReplyPointsAtWhatTheHandlerMadeAndCopiesNothing) {
    constexpr std::uint32_t size = 100'000;
    const auto call = toy_call<toy::Produce>({size});
    const auto exchange = take(call);
    ASSERT_EQ(dispatcher.handle(*exchange), Verdict::reply);
    std::vector<std::size_t> pieces;
    exchange->reply.segments([&](auto piece) { pieces.push_back(piece.size()); });
    EXPECT_EQ(pieces, (std::vector<std::size_t>{28, size}));
    const auto reply = exchange->reply.flat();
    const auto data = results_of<toy::Produce>(reply).data.bytes();
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(data[i], static_cast<std::byte>(i % 251)) << i;
}

TEST_F(Handlers, TheSteadyPathAllocatesNothing) {
    std::vector<Bytes> calls;
    calls.push_back(call_bytes({}));
    calls.push_back(toy_call<toy::Echo>({bytes_of("something of no great length")}));
    calls.push_back(toy_call<toy::Defer>({true}));
    calls.push_back(toy_call<toy::Produce>({1500}));
    calls.push_back(toy_call<toy::Who>(
        {}, {.flavor = AuthFlavor::sys, .credential = auth_sys(1000, 100, {1, 2, 3})}));
    calls.push_back(call_bytes({.version = 3}));
    Exchange exchange;
    const auto run_all = [&] {
        for (const auto& call : calls) {
            exchange.request = call;
            if (dispatcher.handle(exchange) == Verdict::worker) dispatcher.finish(exchange);
            exchange.reset();
        }
    };
    run_all();
    test::forget_allocations();
    for (int i = 0; i < 1000; ++i) run_all();
    EXPECT_EQ(test::allocations().count, 0U);
}

TEST_F(Handlers, AReplyOfOneCallIsNotLeftInTheNext) {
    Exchange exchange;
    const auto large = toy_call<toy::Produce>({50'000});
    const auto small = toy_call<toy::Echo>({bytes_of("ab")});
    for (int i = 0; i < 3; ++i) {
        exchange.request = large;
        ASSERT_EQ(dispatcher.handle(exchange), Verdict::reply);
        exchange.reset();
        exchange.request = small;
        ASSERT_EQ(dispatcher.handle(exchange), Verdict::reply);
        EXPECT_EQ(hex_of(exchange.reply.flat()), success + "0000000261620000");
        exchange.reset();
    }
}

}  // namespace
}  // namespace berth::rpc
