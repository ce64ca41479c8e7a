// How connections and the server itself come to their ends, and what becomes of calls in flight
// then.
#include <future>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using std::chrono::milliseconds;
using test::bytes_of;
using test::hex_of;

class ConnectionEnds : public ServerTest {
protected:
    void await_duplicates(std::uint64_t count) {
        ASSERT_TRUE(
            becomes_true([&] { return dispatcher.reply_cache().statistics().dropped == count; }));
    }
    void await_connections(std::size_t count) {
        ASSERT_TRUE(becomes_true([&] { return server->statistics().connections == count; }));
    }
};

TEST_F(ConnectionEnds, AfterTheClientsLastCallItGetsAllReplies) {
    start();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(toy_call<toy::EchoOnWorker>({bytes_of("slow")}, {.xid = 1}));
    raw.call(toy_call<toy::Produce>({1'000'000}, {.xid = 2}));
    raw.call(toy_call<toy::Echo>({bytes_of("fast")}, {.xid = 3}));
    raw.socket.end_sending();
    EXPECT_EQ(xid_of(raw.reply()), 2U);
    EXPECT_EQ(xid_of(raw.reply()), 3U);
    service.gate.open();
    EXPECT_EQ(xid_of(raw.reply()), 1U);
    EXPECT_TRUE(raw.reply().empty());
    await_connections(0);
}

TEST_F(ConnectionEnds, AnUnfinishedRecordIsForgotten) {
    start();
    RawClient raw{tcp};
    const auto call = RawClient::record(toy_call<toy::Count>({1}));
    raw.socket.send(std::span{call}.first(call.size() - 1));
    raw.socket.end_sending();
    EXPECT_TRUE(raw.reply().empty());
    await_connections(0);
    EXPECT_EQ(service.runs, 0U);
}

TEST_F(ConnectionEnds, AResetDuringACallDisturbsNobody) {
    start();
    service.gate.close();
    RawClient lost{tcp};
    lost.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}));
    service.gate.await_held_back(1);
    lost.socket.reset();
    RawClient other{tcp};
    other.call(call_bytes({}));
    EXPECT_FALSE(other.reply().empty());
    service.gate.open();
    await_connections(1);
    other.call(call_bytes({}));
    EXPECT_FALSE(other.reply().empty());
}

// The kernel keeps what a client has sent before its reset, but tells of the client only to who
// accepts.
TEST_F(ConnectionEnds, ACallResetBeforeItWasAcceptedIsStillThatClients) {
    server.emplace(options);
    const std::vector<Server::Binding> wanted{{Transport::tcp, endpoint("127.0.0.1", 0)}};
    const auto bound = server->listen(wanted, dispatcher);
    ASSERT_TRUE(bound);
    const auto call = toy_call<toy::Count>({1});
    RawClient first{bound->front().endpoint};
    first.call(call);
    first.socket.reset();
    server->start();
    EXPECT_TRUE(becomes_true([&] { return service.runs == 1; }));
    RawClient again{bound->front().endpoint};
    again.call(call);
    EXPECT_EQ(results_of<toy::Count>(again.reply()).total, 1U);
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(ConnectionEnds, TheReplyGoesToTheConnectionThatAskedAgain) {
    options.network_threads = 1;  // it sees the end of one before the call on the next
    start();
    service.gate.close();
    const auto call = toy_call<toy::CountOnWorker>({1});
    RawClient first{tcp};
    first.call(call);
    service.gate.await_held_back(1);
    first.socket.reset();
    RawClient second{tcp};
    second.call(call);
    await_duplicates(1);
    second.socket.reset();
    RawClient third{tcp};
    third.call(call);
    await_duplicates(2);
    service.gate.open();
    const auto reply = third.reply();
    EXPECT_EQ(results_of<toy::CountOnWorker>(reply).total, 1U);
    EXPECT_EQ(service.runs, 1U);
    await_connections(1);
}

TEST_F(ConnectionEnds, AClientThatEndedItsSendingAndAskedAgainIsAnsweredThere) {
    options.network_threads = 1;  // it sees the end of the first before the call on the second
    start();
    service.gate.close();
    const auto call = toy_call<toy::CountOnWorker>({1});
    RawClient first{tcp};
    first.call(call);
    service.gate.await_held_back(1);
    first.socket.end_sending();
    RawClient second{tcp};
    second.call(call);
    await_duplicates(1);
    service.gate.open();
    const auto reply = second.reply();
    EXPECT_EQ(results_of<toy::CountOnWorker>(reply).total, 1U);
    EXPECT_TRUE(first.reply().empty());
    EXPECT_EQ(service.runs, 1U);
}

TEST_F(ConnectionEnds, TheReplyGoesThereThoughTheFirstLives) {
    start();
    service.gate.close();
    const auto call = toy_call<toy::CountOnWorker>({1});
    RawClient first{tcp};
    first.call(call);
    service.gate.await_held_back(1);
    RawClient second{tcp};
    second.call(call);
    await_duplicates(1);
    service.gate.open();
    const auto reply = second.reply();
    EXPECT_EQ(results_of<toy::CountOnWorker>(reply).total, 1U);
    // Asked again now, it is remembered, to the byte, wherever it comes from.
    second.call(call);
    EXPECT_EQ(hex_of(second.reply()), hex_of(reply));
    Socket datagrams{SOCK_DGRAM, udp};
    datagrams.send(call);
    EXPECT_EQ(hex_of(datagrams.receive()), hex_of(reply));
    EXPECT_EQ(service.runs, 1U);
    first.call(toy_call<toy::Echo>({bytes_of("other")}, {.xid = 2}));
    EXPECT_EQ(hex_of(first.reply()).substr(0, 8), "00000002") << "and nothing before";
}

using ServerStops = ConnectionEnds;

TEST_F(ServerStops, CallsInFlightAreAnsweredAndIdleConnectionsClosed) {
    start();
    service.gate.close();
    RawClient busy{tcp};
    RawClient idle{tcp};
    Socket datagrams{SOCK_DGRAM, udp};
    busy.call(toy_call<toy::EchoOnWorker>({bytes_of("slow")}, {.xid = 1}));
    datagrams.send(toy_call<toy::EchoOnWorker>({bytes_of("slow")}, {.xid = 2}));
    service.gate.await_held_back(2);
    idle.call(call_bytes({}));
    EXPECT_FALSE(idle.reply().empty());

    auto stopped = std::async(std::launch::async, [&] { return server->stop(long_enough); });
    EXPECT_TRUE(idle.reply().empty());
    EXPECT_ANY_THROW(RawClient{tcp});
    EXPECT_EQ(stopped.wait_for(milliseconds{0}), std::future_status::timeout);
    service.gate.open();
    EXPECT_EQ(xid_of(busy.reply()), 1U);
    EXPECT_TRUE(busy.reply().empty());
    EXPECT_EQ(xid_of(datagrams.receive()), 2U);
    EXPECT_TRUE(stopped.get());
    EXPECT_EQ(server->statistics().connections, 0U);
}

TEST_F(ServerStops, RepliesOnTheirWayStillLeave) {
    start();
    RawClient slow{tcp, 65536};
    for (std::uint32_t i = 0; i < 100; ++i)
        slow.call(toy_call<toy::Produce>({100'000}, {.xid = i}));
    EXPECT_EQ(xid_of(slow.reply()), 0U);
    ASSERT_TRUE(becomes_true([&] { return service.runs == 100; }));
    auto stopped = std::async(std::launch::async, [&] { return server->stop(long_enough); });
    for (std::uint32_t i = 1; i < 100; ++i) ASSERT_EQ(xid_of(slow.reply()), i);
    EXPECT_TRUE(slow.reply().empty());
    EXPECT_TRUE(stopped.get());
}

TEST_F(ServerStops, AClientThatDoesNotReadCannotPreventIt) {
    start();
    RawClient slow{tcp, 65536};
    for (std::uint32_t i = 0; i < 1000; ++i) slow.call(toy_call<toy::Produce>({100'000}));
    ASSERT_TRUE(becomes_true([&] { return service.runs > 0; }));
    EXPECT_TRUE(server->stop(milliseconds{20}));
}

TEST_F(ServerStops, AStuckWorkerIsReported) {
    start();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(toy_call<toy::EchoOnWorker>({bytes_of("stuck")}));
    service.gate.await_held_back(1);
    EXPECT_FALSE(server->stop(milliseconds{1}));
    EXPECT_FALSE(server->stop(milliseconds{1}));
    service.gate.open();
    EXPECT_TRUE(server->stop(long_enough));
    EXPECT_TRUE(server->stop(milliseconds{0}));
}

TEST_F(ServerStops, CallsThatWaitForAWorkerAreAnsweredToo) {
    options.workers = 1;
    start();
    service.gate.close();
    RawClient raw{tcp};
    for (std::uint32_t i = 0; i < 20; ++i) raw.call(toy_call<toy::CountOnWorker>({1}, {.xid = i}));
    ASSERT_TRUE(becomes_true([&] { return server->statistics().calls_waiting == 19; }));
    auto stopped = std::async(std::launch::async, [&] { return server->stop(long_enough); });
    service.gate.open();
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 20; ++i) seen.insert(xid_of(raw.reply()));
    EXPECT_EQ(seen.size(), 20U);
    EXPECT_TRUE(stopped.get());
}

TEST_F(ServerStops, ItNeedNotHaveBeenStartedNorStopped) {
    server.emplace(options);
    EXPECT_TRUE(server->stop(milliseconds{0}));
    start();
    RawClient open{tcp};
    open.call(call_bytes({}));
    EXPECT_FALSE(open.reply().empty());
    server.reset();
    EXPECT_TRUE(open.reply().empty());
}

TEST_F(ServerStops, WhileClientsComeAndGo) {
    for (int round = 0; round < 20; ++round) {
        start();
        std::atomic<bool> over{false};
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&] {
                while (!over) {
                    try {
                        RawClient raw{tcp};
                        raw.call(toy_call<toy::CountOnWorker>({1}));
                        raw.call(call_bytes({}));
                        raw.reply();
                    } catch (const std::runtime_error&) {
                        // The server is gone, or went at this moment.
                    }
                }
            });
        ASSERT_TRUE(becomes_true([&] { return service.runs > 0; }));
        EXPECT_TRUE(server->stop(long_enough));
        over = true;
        threads.clear();
        service.runs = 0;
    }
}

}  // namespace
}  // namespace berth::rpc
