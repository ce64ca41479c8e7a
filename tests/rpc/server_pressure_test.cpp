// Ceilings: what one client may have in flight, and that others do not notice.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;

using Pressure = ServerTest;

class SlowReader : public ServerTest {
protected:
    static constexpr std::uint32_t reply_bytes = 100'000;
    static constexpr std::uint32_t calls = 1000;

    /// A client that asks for 100 MB and reads nothing. What the kernel buffers for it is far below
    /// half of that, so calls beyond are in the server's hands or not taken at all.
    void run(std::uint32_t calls_taken_max) {
        options.network_threads = 1;
        start();
        RawClient slow{tcp, 65536};
        for (std::uint32_t i = 0; i < calls; ++i)
            slow.call(toy_call<toy::Produce>({reply_bytes}, {.xid = i}));
        auto other = client();
        for (int i = 0; i < 100; ++i) ASSERT_TRUE(other.call<toy::Echo>({bytes_of("quick")}));
        EXPECT_LE(service.runs, 100 + calls_taken_max);
        // All is well when it reads after all.
        for (std::uint32_t i = 0; i < calls; ++i) ASSERT_EQ(xid_of(slow.reply()), i);
        EXPECT_EQ(service.runs, 100 + calls);
    }
};

TEST_F(SlowReader, TheBytesOfItsRepliesAreBounded) {
    options.bytes_in_flight_max = std::size_t{1} << 20;
    options.calls_in_flight_max = 100'000;
    run(calls / 2);
}

TEST_F(SlowReader, TheBytesOfRepliesThatWorkersWillMakeAreBounded) {
    options.bytes_in_flight_max = std::size_t{1} << 20;
    options.network_threads = 1;
    start();
    service.gate.close();
    RawClient slow{tcp};
    for (std::uint32_t i = 0; i < 100; ++i)
        slow.call(toy_call<toy::ProduceDeferred>({reply_bytes}, {.xid = i}));
    auto other = client();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(other.call<toy::Echo>({bytes_of("quick")}));
    EXPECT_LE(service.runs, 100U + 2 * 11);
    service.gate.open();
    std::set<std::uint32_t> seen;
    for (std::uint32_t i = 0; i < 100; ++i) seen.insert(xid_of(slow.reply()));
    EXPECT_EQ(seen.size(), 100U);
}

TEST_F(SlowReader, TheNumberOfItsRepliesIsBounded) {
    options.bytes_in_flight_max = std::size_t{1} << 40;
    options.calls_in_flight_max = 16;
    run(calls / 2);
}

// Workers send replies themselves, between those that the connection's thread sends. With a client
// that reads slowly, both find that the socket takes only part of a reply.
TEST_F(SlowReader, RepliesFromWorkersAndFromTheThreadStayWhole) {
    constexpr std::uint32_t count = 600;
    options.calls_in_flight_max = count;
    options.bytes_in_flight_max = std::size_t{1} << 30;
    start();
    RawClient slow{tcp, 65536};
    for (std::uint32_t i = 0; i < count; ++i) {
        const toy::Produce::Args bytes{40'000 + 4 * i};
        const CallParts parts{.xid = i};
        const bool is_for_worker = i < count / 2 || i % 2 == 0;
        slow.call(is_for_worker ? toy_call<toy::ProduceDeferred>(bytes, parts)
                                : toy_call<toy::Produce>(bytes, parts));
    }
    EXPECT_TRUE(becomes_true([&] { return service.runs >= count; }));
    std::set<std::uint32_t> seen;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto reply = slow.reply();
        const auto xid = xid_of(reply);
        seen.insert(xid);
        constexpr std::size_t header_bytes = 24;
        ASSERT_EQ(reply.size(), header_bytes + 4 + 40'000 + 4 * xid);
    }
    EXPECT_EQ(seen.size(), count);
}

TEST_F(Pressure, CallsWithWorkersAreBoundedByNumber) {
    options.network_threads = 1;
    options.calls_in_flight_max = 4;
    options.workers = 16;
    start();
    service.gate.close();
    RawClient greedy{tcp};
    for (std::uint32_t i = 0; i < 10; ++i)
        greedy.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = i}));
    service.gate.await_held_back(4);
    // The others are not read; another client's are.
    RawClient modest{tcp};
    modest.call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = 100}));
    service.gate.await_held_back(5);
    auto other = client();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(other.call<toy::Null>({}));
    EXPECT_EQ(service.gate.held_back(), 5U);
    EXPECT_EQ(server->statistics().calls_waiting, 0U);
    service.gate.open();
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 10; ++i) seen.insert(xid_of(greedy.reply()));
    EXPECT_EQ(seen.size(), 10U);
    EXPECT_EQ(xid_of(modest.reply()), 100U);
}

TEST_F(Pressure, CallsWithWorkersAreBoundedByBytes) {
    options.network_threads = 1;
    options.bytes_in_flight_max = 400'000;  // which count 64 KiB of reply each as well
    start();
    service.gate.close();
    RawClient greedy{tcp};
    const Bytes data(100'000);
    for (std::uint32_t i = 0; i < 5; ++i)
        greedy.call(toy_call<toy::EchoOnWorker>({std::span<const std::byte>{data}}, {.xid = i}));
    service.gate.await_held_back(3);
    auto other = client();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(other.call<toy::Null>({}));
    EXPECT_EQ(service.gate.held_back(), 3U);
    service.gate.open();
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 5; ++i) seen.insert(xid_of(greedy.reply()));
    EXPECT_EQ(seen.size(), 5U);
}

TEST_F(Pressure, DatagramsPastTheCeilingAreDropped) {
    options.network_threads = 1;
    options.calls_in_flight_max = 4;
    start();
    service.gate.close();
    Socket raw{SOCK_DGRAM, udp};
    for (std::uint32_t i = 0; i < 4; ++i)
        raw.send(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = i}));
    service.gate.await_held_back(4);
    for (std::uint32_t i = 4; i < 8; ++i)
        raw.send(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {.xid = i}));
    // TCP has its own ceilings.
    ASSERT_TRUE(client().call<toy::Null>({}));
    service.gate.open();
    service.gate.await_passed(4);
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 4; ++i) seen.insert(xid_of(raw.receive()));
    EXPECT_EQ(*seen.rbegin(), 3U);
    // And it goes on.
    EXPECT_TRUE(becomes_true([&] {
        raw.send(call_bytes({.xid = 77}));
        return raw.is_readable(std::chrono::milliseconds{10}) && xid_of(raw.receive()) == 77;
    }));
}

}  // namespace
}  // namespace berth::rpc
