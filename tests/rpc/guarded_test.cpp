// Calls that run on the network thread although they could block, and what is left of the others
// when one does.
#include <atomic>
#include <chrono>
#include <future>
#include <iterator>
#include <memory>
#include <new>
#include <set>
#include <vector>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <gtest/gtest.h>

#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using May = toy::CountGuarded::May;
using std::chrono::milliseconds;
using test::bytes_of;

Bytes guarded_call(May may, std::uint32_t xid = 1) {
    return toy_call<toy::CountGuarded>({1, may, {}}, {.xid = xid});
}

class GuardedCalls : public ServerTest {
protected:
    void start_with_one_thread() {
        options.network_threads = 1;
        start();
    }
    /// Waits until a section is allowed again.
    bool one_runs_in_a_section(Client& caller) {
        return becomes_true([&] {
            return !caller.call<toy::CountGuarded>({0, May::go_on, {}})->on_worker;
        });
    }
};

class GuardedCallsOnEach : public GuardedCalls, public ::testing::WithParamInterface<Transport> {};

TEST_P(GuardedCallsOnEach, NeedNoWorkerUnlessTheyAskForOne) {
    start_with_one_thread();
    auto caller = client(GetParam());
    // A machine under load may let one look blocked.
    EXPECT_TRUE(one_runs_in_a_section(caller));
    const auto deferred = caller.call<toy::CountGuarded>({1, May::defer, {}});
    EXPECT_TRUE(deferred->on_worker);
    EXPECT_EQ(deferred->total, 1U);
}

TEST_P(GuardedCallsOnEach, OneThatBlocksIsAnsweredInTheEnd) {
    start_with_one_thread();
    service.gate.close();
    auto blocked = std::async(std::launch::async, [this] {
        return client(GetParam()).call<toy::CountGuarded>({5, May::block, {}})->total;
    });
    service.gate.await_held_back(1);
    for (const auto transport : {Transport::tcp, Transport::udp})
        EXPECT_TRUE(client(transport).call<toy::Null>({}));
    EXPECT_EQ(blocked.wait_for(milliseconds{0}), std::future_status::timeout);
    service.gate.open();
    EXPECT_EQ(blocked.get(), 5U);
    EXPECT_EQ(service.total, 5U);
    EXPECT_TRUE(client(GetParam()).call<toy::Null>({}));
}

/// Out of memory when a call of a guarded procedure has run, once for each time it is told so.
class Failing final : public Interceptor {
public:
    std::atomic<int> times{0};

    void after(const Intercepted& call, Ending /*ending*/, Reply& /*reply*/) override {
        const bool is_guarded = call.call().procedure.number == toy::CountGuarded::id.number;
        if (is_guarded && times.load() > 0 && times.fetch_sub(1) > 0) throw std::bad_alloc{};
    }
};

std::size_t threads_of_process() {
    namespace fs = boost::filesystem;
    const fs::directory_iterator tasks{"/proc/self/task"};
    return static_cast<std::size_t>(std::distance(fs::begin(tasks), fs::end(tasks)));
}

TEST_P(GuardedCallsOnEach, OneThatFailsEndsTheThreadThatWasTakenOverFrom) {
    const auto failing = std::make_shared<Failing>();
    dispatcher.intercept(failing);
    options.workers = 1;  // which is there from the start: threads that come are network threads
    start_with_one_thread();
    ASSERT_TRUE(client().call<toy::Null>({}));
    auto caller = client(GetParam());
    const auto threads = threads_of_process();
    for (int round = 1; round <= 3; ++round) {
        ASSERT_TRUE(becomes_true([&] {
            return !caller.call<toy::CountGuarded>({0, May::go_on, {}})->on_worker;
        }));
        service.gate.close();
        RawClient raw{tcp};
        raw.call(guarded_call(May::block));
        service.gate.await_held_back(1);
        ASSERT_TRUE(client().call<toy::Null>({})) << "another thread has taken over";
        failing->times = 1;
        service.gate.open();
        EXPECT_TRUE(becomes_true([&] { return failing->times == 0; }));
        EXPECT_TRUE(becomes_true([&] { return threads_of_process() <= threads; }));
        // The call has come to nothing, so a copy of it runs.
        RawClient again{tcp};
        again.call(guarded_call(May::go_on));
        EXPECT_EQ(xid_of(again.reply()), 1U);
    }
}

TEST_P(GuardedCallsOnEach, OnesThatFailLeaveNothingBehind) {
    const auto failing = std::make_shared<Failing>();
    dispatcher.intercept(failing);
    options.calls_in_flight_max = 2;
    start_with_one_thread();
    auto caller = client(GetParam());
    std::uint32_t total = 0;
    // On the network thread, and on a worker.
    for (const auto may : {May::go_on, May::defer})
        for (int call = 0; call < 4; ++call) {
            failing->times = 1;
            // Its copy is answered, over a new connection if need be.
            const auto counted = caller.call<toy::CountGuarded>({1, may, {}});
            ASSERT_TRUE(counted);
            EXPECT_EQ(counted->total, total += 2);
        }
    EXPECT_TRUE(server->stop(long_enough)) << "nothing is in flight";
}

INSTANTIATE_TEST_SUITE_P(Transports, GuardedCallsOnEach,
                         ::testing::Values(Transport::tcp, Transport::udp));

TEST_F(GuardedCalls, OneThatBlocksDelaysNoneOfItsOwnConnection) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    auto both = RawClient::record(guarded_call(May::block, 1));
    const auto came_with_it = RawClient::record(toy_call<toy::Echo>({bytes_of("a")}, {.xid = 2}));
    both.insert(both.end(), came_with_it.begin(), came_with_it.end());
    raw.socket.send(both);
    EXPECT_EQ(xid_of(raw.reply()), 2U);
    raw.call(toy_call<toy::Echo>({bytes_of("b")}, {.xid = 3}));
    EXPECT_EQ(xid_of(raw.reply()), 3U);
    raw.call(toy_call<toy::EchoOnWorker>({bytes_of("c")}, {.xid = 4}));
    service.gate.await_held_back(2);
    service.gate.open();
    EXPECT_EQ(std::set({xid_of(raw.reply()), xid_of(raw.reply())}), std::set({1U, 4U}));
}

TEST_F(GuardedCalls, RepliesThatWereReadyBeforeItBlockedLeave) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    auto both = RawClient::record(toy_call<toy::Echo>({bytes_of("a")}, {.xid = 1}));
    const auto blocking = RawClient::record(guarded_call(May::block, 2));
    both.insert(both.end(), blocking.begin(), blocking.end());
    raw.socket.send(both);
    EXPECT_EQ(xid_of(raw.reply()), 1U);
    service.gate.open();
    EXPECT_EQ(xid_of(raw.reply()), 2U);
}

TEST_F(GuardedCalls, WhileOneIsBlockedOthersRunOnWorkersAndLaterInSectionsAgain) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(guarded_call(May::block));
    service.gate.await_held_back(1);
    auto caller = client();
    ASSERT_TRUE(caller.call<toy::Null>({}));
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(caller.call<toy::CountGuarded>({0, May::go_on, {}})->on_worker) << i;
    service.gate.open();
    EXPECT_EQ(xid_of(raw.reply()), 1U);
    EXPECT_TRUE(one_runs_in_a_section(caller));
    EXPECT_EQ(service.total, 1U);
}

TEST_F(GuardedCalls, ManyThatBlockHoldNoThreadButTheWorkers) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    for (std::uint32_t xid = 0; xid < 6; ++xid) raw.call(guarded_call(May::block, xid));
    service.gate.await_held_back(4);
    ASSERT_TRUE(client().call<toy::Null>({}));
    service.gate.open();
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 6; ++i) seen.insert(xid_of(raw.reply()));
    EXPECT_EQ(seen.size(), 6U);
    EXPECT_EQ(service.total, 6U);
}

TEST_F(GuardedCalls, AgainAndAgain) {
    start_with_one_thread();
    auto caller = client();
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(one_runs_in_a_section(caller));
        service.gate.close();
        RawClient raw{tcp};
        raw.call(guarded_call(May::block, static_cast<std::uint32_t>(round)));
        service.gate.await_held_back(1);
        ASSERT_TRUE(caller.call<toy::Null>({}));
        service.gate.open();
        EXPECT_EQ(xid_of(raw.reply()), static_cast<std::uint32_t>(round));
    }
    EXPECT_EQ(service.total, 5U);
}

TEST_F(GuardedCalls, LargeOnesRunOnAWorkerAtOnce) {
    start_with_one_thread();
    auto caller = client();
    ASSERT_TRUE(one_runs_in_a_section(caller));
    const Bytes data(200'000);
    EXPECT_TRUE(caller.call<toy::CountGuarded>({1, May::go_on, std::span<const std::byte>{data}})
                    ->on_worker);
}

TEST_F(GuardedCalls, ADuplicateOfABlockedOneIsDroppedAndTheReplyGoesToItsConnection) {
    start_with_one_thread();
    service.gate.close();
    RawClient first{tcp};
    first.call(guarded_call(May::block));
    service.gate.await_held_back(1);
    first.socket.reset();
    RawClient second{tcp};
    second.call(guarded_call(May::block));
    ASSERT_TRUE(becomes_true([&] { return dispatcher.reply_cache().statistics().dropped == 1; }));
    service.gate.open();
    const auto reply = second.reply();
    EXPECT_EQ(results_of<toy::CountGuarded>(reply).total, 1U);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(GuardedCalls, AConnectionMayEndWhileItsCallIsBlocked) {
    start_with_one_thread();
    service.gate.close();
    {
        RawClient lost{tcp};
        lost.call(guarded_call(May::block));
        service.gate.await_held_back(1);
        lost.socket.reset();
    }
    EXPECT_TRUE(client().call<toy::Null>({}));
    service.gate.open();
    EXPECT_TRUE(becomes_true([&] { return server->statistics().connections == 0; }));
    EXPECT_TRUE(becomes_true([&] { return service.total == 1; }));
}

TEST_F(GuardedCalls, TheServerStopsWhenABlockedOneHasBeenAnswered) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(guarded_call(May::block));
    Socket datagrams{SOCK_DGRAM, udp};
    datagrams.send(guarded_call(May::block, 2));
    service.gate.await_held_back(2);
    auto stopped = std::async(std::launch::async, [&] { return server->stop(long_enough); });
    EXPECT_EQ(stopped.wait_for(milliseconds{5}), std::future_status::timeout);
    service.gate.open();
    EXPECT_EQ(xid_of(raw.reply()), 1U);
    EXPECT_TRUE(raw.reply().empty());
    EXPECT_EQ(xid_of(datagrams.receive()), 2U);
    EXPECT_TRUE(stopped.get());
}

TEST_F(GuardedCalls, OneThatStaysBlockedIsReportedAtTheStop) {
    start_with_one_thread();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(guarded_call(May::block));
    service.gate.await_held_back(1);
    EXPECT_FALSE(server->stop(milliseconds{1}));
    EXPECT_FALSE(server->stop(milliseconds{20}));
    service.gate.open();
    EXPECT_TRUE(server->stop(long_enough));
}

TEST_F(GuardedCalls, ManyClientsWhileSomeBlock) {
    start();
    std::vector<std::jthread> threads;
    constexpr std::uint32_t clients = 4;
    constexpr std::uint32_t rounds = 200;
    for (std::uint32_t i = 0; i < clients; ++i)
        threads.emplace_back([&] {
            auto caller = client();
            for (std::uint32_t round = 0; round < rounds; ++round) {
                const auto may = round % 50 == 7 ? May::block : May::go_on;
                EXPECT_TRUE(caller.call<toy::CountGuarded>({1, may, {}}));
            }
        });
    for (int i = 0; i < 10; ++i) {
        service.gate.close();
        EXPECT_TRUE(becomes_true(
            [&] { return service.gate.held_back() > 0 || service.total == clients * rounds; }));
        service.gate.open();
    }
    threads.clear();
    EXPECT_EQ(service.total, clients * rounds);
}

}  // namespace
}  // namespace berth::rpc
