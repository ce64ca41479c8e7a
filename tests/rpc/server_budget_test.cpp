// The ceilings of the whole process: each is hit by one client, while another's calls go on.
#include <cstring>
#include <list>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using namespace std::chrono_literals;

class ServerBudget : public ServerTest {
protected:
    static constexpr std::size_t bytes_max = std::size_t{32} << 20;
    static constexpr std::uint32_t reply_bytes = 1'000'000;
    // What no test waits for.
    static constexpr std::chrono::milliseconds for_ever = 24h;

    void start_with(const Budget::Limits& limits) {
        options.budget = std::make_shared<Budget>(limits);
        options.network_threads = 1;
        start();
    }
    [[nodiscard]] Budget::Statistics now() const { return options.budget->statistics(); }

    /// A client with another address than all others.
    [[nodiscard]] RawClient stranger() const {
        return RawClient{tcp, {}, Address::parse("127.0.0.2")};
    }
    static void expect_served(RawClient& client) {
        for (std::uint32_t i = 0; i < 20; ++i) {
            client.call(toy_call<toy::Echo>({bytes_of("quick")}, {.xid = i}));
            ASSERT_EQ(xid_of(client.reply()), i);
        }
        client.call(toy_call<toy::Produce>({reply_bytes}, {.xid = 100}));
        ASSERT_EQ(xid_of(client.reply()), 100U);
    }

    static constexpr std::uint32_t calls_each = 24;
    /// Clients of one address that ask for far more than there is, and read nothing.
    std::list<RawClient> ask_and_read_nothing() {
        std::list<RawClient> clients;
        for (int i = 0; i < 6; ++i) {
            auto& client = clients.emplace_back(tcp, 65536);
            for (std::uint32_t xid = 0; xid < calls_each; ++xid)
                client.call(toy_call<toy::Produce>({reply_bytes}, {.xid = xid}));
        }
        return clients;
    }
    /// As many as fit, of one address; each sends half of a record.
    std::list<RawClient> send_half_records() {
        Bytes half(std::size_t{512} << 10);
        const std::array mark{std::byte{0x80}, std::byte{0x10}, std::byte{0}, std::byte{0}};
        std::memcpy(half.data(), mark.data(), mark.size());
        std::list<RawClient> clients;
        for (int i = 0; i < 100; ++i) clients.emplace_back(tcp).socket.send_what_fits(half);
        return clients;
    }
    /// Of the client that they all are.
    [[nodiscard]] Budget::Share take_all_room() const {
        return {options.budget->account(*Address::parse("127.0.0.1")), bytes_max / 2};
    }
    /// Whether the one that has most is held back.
    bool is_short() {
        most_ = std::max(most_, now().bytes);
        return !options.budget->account(*Address::parse("127.0.0.1"))->has_room();
    }

    /// To another client of the same address, which finds no room at first.
    void expect_to_give_way(std::list<RawClient> greedy) {
        ASSERT_TRUE(becomes_true([&] { return is_short(); }));
        RawClient modest{tcp};
        expect_served(modest);
        EXPECT_GT(now().given_way, 0U);
        greedy.clear();
        EXPECT_TRUE(becomes_true([&] { return now().bytes == 0; }));
    }

    std::size_t most_ = 0;  // that was held
};

TEST_F(ServerBudget, RepliesThatNobodyReadsHaveACeiling) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    auto greedy = ask_and_read_nothing();
    ASSERT_TRUE(becomes_true([&] { return is_short(); }));
    auto other = stranger();
    expect_served(other);
    EXPECT_LE(std::max(most_, now().bytes), bytes_max / 2);
    // All is well when they read after all, each at its own pace.
    {
        std::vector<std::jthread> readers;
        for (auto& client : greedy)
            readers.emplace_back([&client] {
                for (std::uint32_t xid = 0; xid < calls_each; ++xid)
                    EXPECT_EQ(xid_of(client.reply()), xid);
            });
    }
    EXPECT_TRUE(becomes_true([&] { return now().bytes == 0; }));
    EXPECT_EQ(now().given_way, 0U);
}

TEST_F(ServerBudget, ReadersThatReadNothingGiveWayToTheirClientsOtherCalls) {
    start_with({.bytes_max = bytes_max, .patience = 100ms});
    expect_to_give_way(ask_and_read_nothing());
}

TEST_F(ServerBudget, HalfRecordsHaveACeiling) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    const auto greedy = send_half_records();
    ASSERT_TRUE(becomes_true([&] { return is_short(); }));
    auto other = stranger();
    expect_served(other);
    EXPECT_LE(std::max(most_, now().bytes), bytes_max / 2);
}

TEST_F(ServerBudget, ClientsThatGoWhileTheyWaitLeaveNothingBehind) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    auto greedy = send_half_records();
    ASSERT_TRUE(becomes_true([&] { return is_short(); }));
    greedy.clear();
    EXPECT_TRUE(becomes_true([&] { return now().bytes == 0 && now().connections == 0; }));
    EXPECT_EQ(now().given_way, 0U);
}

TEST_F(ServerBudget, StaleHalfRecordsGiveWay) {
    start_with({.bytes_max = bytes_max, .patience = 100ms});
    expect_to_give_way(send_half_records());
}

// Data to be written is taken in whatever its client holds: it frees memory when it has been.
TEST_F(ServerBudget, LongRecordsAreRunWhileTheirClientWaits) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    RawClient writer{tcp};
    const Bytes data(200'000);
    const auto call = RawClient::record(toy_call<toy::CountGuarded>(
        {.step = 1, .may = toy::CountGuarded::May::go_on, .data = std::span<const std::byte>{data}},
        {}));
    writer.socket.send(std::span{call}.first(call.size() - 1));
    ASSERT_TRUE(becomes_true([&] { return now().bytes > data.size(); }));
    const auto most = take_all_room();
    writer.socket.send(std::span{call}.last(1));
    EXPECT_FALSE(writer.reply().empty());
    EXPECT_TRUE(is_short());
}

TEST_F(ServerBudget, CallsOnWorkersAreCountedWithTheRepliesThatTheyWillMake) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    service.gate.close();
    std::list<RawClient> greedy;
    for (int i = 0; i < 40; ++i)
        greedy.emplace_back(tcp).call(toy_call<toy::ProduceDeferred>({reply_bytes}, {}));
    ASSERT_TRUE(becomes_true([&] { return is_short(); }));
    auto other = stranger();
    expect_served(other);
    EXPECT_LE(now().bytes, bytes_max / 2);
    service.gate.open();
    for (auto& client : greedy) EXPECT_FALSE(client.reply().empty());
    EXPECT_TRUE(becomes_true([&] { return now().bytes == 0; }));
}

TEST_F(ServerBudget, AnswersOfAnyLengthAreMadeOneAtATime) {
    start_with({.patience = for_ever});
    service.gate.close();
    std::list<RawClient> all;
    for (int i = 0; i < 3; ++i)
        for (std::uint32_t xid = 0; xid < 3; ++xid)
            (xid == 0 ? all.emplace_back(tcp) : all.back())
                .call(toy_call<toy::EchoAlone>({bytes_of("x")}, {.xid = xid}));
    service.gate.await_held_back(1);
    auto other = stranger();
    expect_served(other);
    EXPECT_EQ(service.gate.held_back(), 1U);
    service.gate.open();
    for (auto& client : all) {
        std::set<std::uint32_t> answered;
        for (int i = 0; i < 3; ++i) answered.insert(xid_of(client.reply()));
        EXPECT_EQ(answered, (std::set<std::uint32_t>{0, 1, 2}));
    }
}

TEST_F(ServerBudget, DatagramsAreCountedAndDroppedWhenTheirClientHasNoRoom) {
    start_with({.bytes_max = bytes_max, .patience = for_ever});
    service.gate.close();
    Socket datagrams{SOCK_DGRAM, udp};
    datagrams.send(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 1}));
    service.gate.await_held_back(1);
    EXPECT_GT(now().bytes, 0U);
    auto most = take_all_room();
    datagrams.send(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 2}));
    datagrams.send(toy_call<toy::Echo>({bytes_of("x")}, {.xid = 3}));
    EXPECT_EQ(xid_of(datagrams.receive()), 3U);  // by which the one before has been dropped
    service.gate.open();
    EXPECT_EQ(xid_of(datagrams.receive()), 1U);
    most.release();
    EXPECT_TRUE(becomes_true([&] { return now().bytes == 0; }));
    // And it goes on, when it is sent again.
    datagrams.send(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 2}));
    EXPECT_EQ(xid_of(datagrams.receive()), 2U);
}

TEST_F(ServerBudget, ConnectionsBeyondTheCeilingCloseIdleOnesOfTheClientWithMost) {
    start_with({.connections_max = 8});
    service.gate.close();
    RawClient busy{tcp};
    busy.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 7}));
    service.gate.await_held_back(1);
    auto first = stranger();
    expect_served(first);
    std::list<RawClient> idle;
    for (int i = 0; i < 50; ++i) idle.emplace_back(tcp);
    auto second = RawClient{tcp, {}, Address::parse("127.0.0.3")};
    expect_served(second);
    expect_served(first);
    service.gate.open();
    EXPECT_EQ(xid_of(busy.reply()), 7U);
    EXPECT_TRUE(becomes_true([&] { return now().connections <= 8; }));
}

TEST_F(ServerBudget, AConnectionIsIdleWhenAWorkerHasSentItsLastReply) {
    start_with({.connections_max = 8});
    std::list<RawClient> idle;
    service.gate.close();
    for (std::uint32_t i = 0; i < 8; ++i)
        idle.emplace_back(tcp).call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = i}));
    service.gate.await_held_back(8);
    service.gate.open();
    for (auto& each : idle) EXPECT_FALSE(each.reply().empty());
    for (int i = 0; i < 8; ++i) {
        auto other = stranger();
        expect_served(other);
    }
}

TEST_F(ServerBudget, IdleConnectionsEndAndBusyOnesDoNot) {
    options.idle_max = 1s;
    start_with({});
    service.gate.close();
    RawClient busy{tcp};
    busy.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 7}));
    service.gate.await_held_back(1);
    RawClient idle{tcp};
    idle.call(call_bytes({}));
    EXPECT_FALSE(idle.reply().empty());
    EXPECT_TRUE(idle.reply().empty());
    EXPECT_TRUE(becomes_true([&] { return now().connections == 1; }));
    service.gate.open();
    EXPECT_EQ(xid_of(busy.reply()), 7U);
}

TEST_F(ServerBudget, ConnectionsEndIdleAfterAWorkersReplyToo) {
    options.idle_max = 1s;
    start_with({});
    RawClient idle{tcp};
    service.gate.close();
    idle.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 7}));
    service.gate.await_held_back(1);
    service.gate.open();
    EXPECT_EQ(xid_of(idle.reply()), 7U);
    EXPECT_TRUE(idle.reply().empty());
}

}  // namespace
}  // namespace berth::rpc
