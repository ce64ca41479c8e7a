#include "rpc/server.hpp"

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/interceptor.hpp"
#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using test::bytes_of_hex;
using test::hex_of;

using ServerOnTcp = ServerTest;

class ServerOnEach : public ServerTest,
                     public ::testing::WithParamInterface<std::tuple<Transport, const char*>> {};

TEST_P(ServerOnEach, AnswersPromptAndSlowCalls) {
    const auto [transport, address] = GetParam();
    start(address);
    auto caller = client(transport);
    ASSERT_TRUE(caller.call<toy::Null>({}));
    EXPECT_EQ(hex_of(caller.call<toy::Echo>({bytes_of("echo")})->data.bytes()), "6563686f");
    EXPECT_EQ(caller.call<toy::Count>({2})->total, 2U);
    EXPECT_EQ(caller.call<toy::CountOnWorker>({3})->total, 5U);
    EXPECT_TRUE(caller.call<toy::Defer>({true})->could_block);
    // In a datagram, only for an address that has shown that it gets replies.
    const std::uint32_t produced = transport == Transport::tcp ? 30'000 : 300;
    EXPECT_EQ(caller.call<toy::Produce>({produced})->data.size(), produced);
    const auto who = caller.call<toy::Who>({});
    EXPECT_EQ(who->local.view(), (transport == Transport::tcp ? tcp : udp).text());
    EXPECT_EQ(who->over_tcp, transport == Transport::tcp);
}

INSTANTIATE_TEST_SUITE_P(Transports, ServerOnEach,
                         ::testing::Combine(::testing::Values(Transport::tcp, Transport::udp),
                                            ::testing::Values("127.0.0.1", "::1")));

TEST_F(ServerOnTcp, AThousandCallsInOneGoAreAnsweredInOrder) {
    start();
    RawClient raw{tcp};
    Bytes all;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const auto call = RawClient::record(toy_call<toy::Echo>({bytes_of("x")}, {.xid = i}));
        all.insert(all.end(), call.begin(), call.end());
    }
    raw.socket.send(all);
    for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(xid_of(raw.reply()), i);
    EXPECT_EQ(service.runs, 1000U);
}

TEST_F(ServerOnTcp, AThousandSlowCallsAreAllAnswered) {
    start();
    RawClient raw{tcp};
    for (std::uint32_t i = 0; i < 1000; ++i)
        raw.call(toy_call<toy::CountOnWorker>({1}, {.xid = i}));
    std::set<std::uint32_t> seen;
    for (std::uint32_t i = 0; i < 1000; ++i) seen.insert(xid_of(raw.reply()));
    EXPECT_EQ(seen.size(), 1000U);
    EXPECT_EQ(service.total, 1000U);
}

TEST_F(ServerOnTcp, ASlowCallDelaysNoOther) {
    options.network_threads = 1;
    start();
    service.gate.close();
    RawClient raw{tcp};
    raw.call(toy_call<toy::EchoOnWorker>({bytes_of("slow")}, {.xid = 1}));
    service.gate.await_held_back(1);
    raw.call(toy_call<toy::Defer>({true}, {.xid = 2}));
    service.gate.await_held_back(2);
    raw.call(toy_call<toy::Echo>({bytes_of("fast")}, {.xid = 3}));
    EXPECT_EQ(xid_of(raw.reply()), 3U);
    EXPECT_TRUE(client().call<toy::Null>({}));
    service.gate.open();
    const auto one = xid_of(raw.reply());
    const auto other = xid_of(raw.reply());
    EXPECT_EQ(std::set({one, other}), std::set({1U, 2U}));
}

TEST_F(ServerOnTcp, CallsComeInWhateverPieces) {
    start();
    RawClient raw{tcp};
    const auto call = toy_call<toy::Echo>({bytes_of("in pieces")});
    const auto whole = RawClient::record(call);
    for (const auto byte : whole) raw.socket.send({&byte, 1});
    EXPECT_EQ(xid_of(raw.reply()), 0x11223344U);

    Bytes fragments;
    for (std::size_t at = 0; at < call.size(); at += 8) {
        const auto piece = std::span{call}.subspan(at, std::min<std::size_t>(8, call.size() - at));
        auto fragment = RawClient::record(piece);
        if (at + 8 < call.size()) fragment[0] = std::byte{0};
        fragments.insert(fragments.end(), fragment.begin(), fragment.end());
    }
    raw.socket.send(fragments);
    const auto reply = raw.reply();
    EXPECT_EQ(hex_of(results_of<toy::Echo>(reply).data.bytes()), hex_of(bytes_of("in pieces")));
}

TEST_F(ServerOnTcp, LargeCallsAndRepliesAreWhole) {
    start();
    auto caller = client();
    for (const std::uint32_t size : {1U << 20, 1U, 300'000U, 65'536U, 1U << 20}) {
        Bytes data(size);
        for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>((i + size) % 253);
        for (int i = 0; i < 3; ++i) {
            const auto prompt = caller.call<toy::Echo>({std::span<const std::byte>{data}});
            ASSERT_TRUE(prompt);
            EXPECT_TRUE(std::ranges::equal(prompt->data.bytes(), data));
            const auto slow = caller.call<toy::EchoOnWorker>({std::span<const std::byte>{data}});
            ASSERT_TRUE(slow);
            EXPECT_TRUE(std::ranges::equal(slow->data.bytes(), data));
        }
    }
}

TEST_F(ServerOnTcp, WhatIsNoRecordEndsOnlyItsOwnConnection) {
    start();
    RawClient good{tcp};
    for (const auto* nonsense :
         {"ffffffff", "474554202f20485454502f312e310d0a", "7fffffff 00000000"}) {
        RawClient bad{tcp};
        bad.socket.send(bytes_of_hex(nonsense));
        EXPECT_EQ(bad.socket.receive().size(), 0U) << nonsense;
        good.call(call_bytes({}));
        EXPECT_EQ(xid_of(good.reply()), 0x11223344U);
    }
    EXPECT_TRUE(becomes_true([&] { return server->statistics().connections == 1; }));
}

TEST_F(ServerOnTcp, WhatIsNoCallIsPassedOver) {
    start();
    RawClient raw{tcp};
    raw.call(bytes_of_hex(""));
    raw.call(bytes_of_hex("00000001"));
    raw.call(call_bytes({.type = 1}));
    raw.call(call_bytes({.xid = 9}));
    EXPECT_EQ(xid_of(raw.reply()), 9U);
}

TEST_F(ServerOnTcp, MoreConnectionsThanAllowedAreClosed) {
    options.budget = std::make_shared<Budget>(Budget::Limits{.connections_max = 2});
    options.workers = 3;  // of which one client has two
    start();
    service.gate.close();
    RawClient first{tcp};
    RawClient second{tcp};
    for (auto* const busy : {&first, &second})
        busy->call(toy_call<toy::EchoOnWorker>({bytes_of("x")}, {}));
    service.gate.await_held_back(2);
    RawClient third{tcp};
    EXPECT_EQ(third.socket.receive().size(), 0U);
    service.gate.open();
    EXPECT_FALSE(first.reply().empty());
    EXPECT_FALSE(second.reply().empty());
}

TEST_F(ServerOnTcp, BothFamiliesShareAPort) {
    server.emplace(options);
    const std::vector<Server::Binding> v4{{Transport::tcp, endpoint("0.0.0.0", 0)}};
    const auto first = server->listen(v4, dispatcher);
    ASSERT_TRUE(first);
    const auto port = first->front().endpoint.port;
    const std::vector<Server::Binding> v6{{Transport::tcp, endpoint("::", port)}};
    ASSERT_TRUE(server->listen(v6, dispatcher));
    server->start();
    for (const auto* address : {"127.0.0.1", "127.0.0.2", "::1"}) {
        RawClient raw{endpoint(address, port)};
        raw.call(toy_call<toy::Who>({}));
        const auto reply = raw.reply();
        EXPECT_EQ(results_of<toy::Who>(reply).local.view(), endpoint(address, port).text());
    }
}

TEST_F(ServerOnTcp, AnAddressThatIsTakenIsAnErrorAndNothingIsBound) {
    start();
    Server other{options};
    const std::vector<Server::Binding> wanted{{Transport::tcp, endpoint("127.0.0.1", 0)},
                                              {Transport::tcp, tcp}};
    const auto bound = other.listen(wanted, dispatcher);
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().code, boost::system::errc::address_in_use);
    EXPECT_EQ(bound.error().binding.endpoint, tcp);
}

/// Keeps the thread that a call arrives on, which no interceptor should.
class Stuck final : public Interceptor {
public:
    explicit Stuck(test::Gate& gate) : gate_(gate) {}
    Decision before(const Intercepted& /*call*/) override {
        gate_.pass();
        return Decision::go_on();
    }

private:
    test::Gate& gate_;
};

TEST_F(ServerOnTcp, AnswersWhileAllOfItsThreadsDo) {
    test::Gate gate;
    dispatcher.intercept(std::make_shared<Stuck>(gate));
    start();
    EXPECT_TRUE(server->answers(long_enough));
    gate.close();
    RawClient raw{tcp};
    raw.call(toy_call<toy::Echo>({bytes_of("x")}, {}));
    gate.await_held_back(1);
    EXPECT_FALSE(server->answers(std::chrono::milliseconds{1}));
    gate.open();
    EXPECT_TRUE(server->answers(long_enough));
    EXPECT_FALSE(raw.reply().empty());
}

TEST_F(ServerOnTcp, ManyClientsAtOnce) {
    options.network_threads = 3;
    start();
    constexpr int clients = 8;
    constexpr int rounds = 100;
    std::vector<std::jthread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < clients; ++i)
        threads.emplace_back([&, i] {
            auto caller = client(i % 2 == 0 ? Transport::tcp : Transport::udp);
            for (int round = 0; round < rounds; ++round) {
                if (caller.call<toy::Echo>({bytes_of("some")})) ++good;
                if (caller.call<toy::CountOnWorker>({1})) ++good;
                if (caller.call<toy::CountDeferred>({1})) ++good;
                if (caller.call<toy::Produce>({300})) ++good;
            }
        });
    threads.clear();
    EXPECT_EQ(good, clients * rounds * 4);
    EXPECT_EQ(service.total, clients * rounds * 2U);
}

}  // namespace
}  // namespace berth::rpc
