// The server over datagrams.
#include <string>

#include <gtest/gtest.h>

#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using test::bytes_of_hex;

using ServerOnUdp = ServerTest;

TEST_F(ServerOnUdp, TheReplyLeavesFromTheAddressThatWasCalled) {
    start("0.0.0.0");
    for (const auto* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
        const auto called = endpoint(address, udp.port);
        // A connected socket takes nothing from any other address.
        Socket raw{SOCK_DGRAM, called};
        raw.send(toy_call<toy::Who>({}));
        const auto prompt = raw.receive();
        EXPECT_EQ(results_of<toy::Who>(prompt).local.view(), called.text());
        raw.send(toy_call<toy::EchoOnWorker>({bytes_of("slow")}, {.xid = 5}));
        EXPECT_EQ(xid_of(raw.receive()), 5U);
    }
}

TEST_F(ServerOnUdp, OverIpv6Too) {
    start("::");
    const auto called = endpoint("::1", udp.port);
    Socket raw{SOCK_DGRAM, called};
    raw.send(toy_call<toy::Who>({}));
    const auto reply = raw.receive();
    EXPECT_EQ(results_of<toy::Who>(reply).local.view(), called.text());
}

TEST_F(ServerOnUdp, BrokenDatagramsAreMetWithSilence) {
    start();
    Socket raw{SOCK_DGRAM, udp};
    const auto call = toy_call<toy::Echo>({bytes_of("whole")}, {.xid = 1});
    for (std::size_t size = 0; size < 24; ++size) {
        if (size > 0) raw.send(std::span{call}.first(size));
        raw.send(call_bytes({.type = 1}));
    }
    raw.send(call_bytes({.xid = 2}));
    EXPECT_EQ(xid_of(raw.receive()), 2U);
    // One that ends within the arguments is told so.
    raw.send(std::span{call}.first(call.size() - 4));
    const auto reply = raw.receive();
    EXPECT_EQ(test::hex_of(std::span{reply}.subspan(20)), "00000004");
}

TEST_F(ServerOnUdp, TheLargestDatagramsAreTaken) {
    start();
    Socket raw{SOCK_DGRAM, udp};
    constexpr std::size_t datagram_bytes_max = 65507;
    const auto header = toy_call<toy::Echo>({}).size();
    const Bytes data((datagram_bytes_max - header) / 4 * 4, std::byte{7});
    raw.send(toy_call<toy::Echo>({std::span<const std::byte>{data}}));
    const auto reply = raw.receive();
    EXPECT_EQ(results_of<toy::Echo>(reply).data.size(), data.size());
}

/// With so much after its arguments that its reply may be long.
Bytes long_call(std::uint32_t reply_bytes, std::uint32_t xid) {
    auto call = toy_call<toy::Produce>({reply_bytes}, {.xid = xid});
    call.resize(8000);
    return call;
}

TEST_F(ServerOnUdp, AReplyThatNoDatagramHoldsIsLostAndNothingElse) {
    start();
    Socket raw{SOCK_DGRAM, udp};
    raw.send(long_call(70'000, 1));
    raw.send(long_call(60'000, 2));
    EXPECT_EQ(xid_of(raw.receive()), 2U);
}

TEST_F(ServerOnUdp, AReplyMuchLongerThanItsCallIsAnErrorInstead) {
    start();
    Socket raw{SOCK_DGRAM, udp};
    const auto call_bytes = static_cast<std::uint32_t>(toy_call<toy::Produce>({0}).size());
    const auto header_bytes = std::uint32_t{28};
    raw.send(toy_call<toy::Produce>({10 * call_bytes - header_bytes}, {.xid = 1}));
    EXPECT_EQ(raw.receive().size(), 10 * call_bytes);
    raw.send(toy_call<toy::Produce>({10 * call_bytes - header_bytes + 4}, {.xid = 2}));
    const std::string system_error = "00000002 00000001 00000000 00000000 00000000 00000005";
    EXPECT_EQ(test::hex_of(raw.receive()), test::hex_of(bytes_of_hex(system_error)));
    // What runs on a worker, and what comes from memory, leaves by the same door.
    service.gate.open();
    raw.send(toy_call<toy::ProduceDeferred>({60'000}, {.xid = 2}));
    EXPECT_EQ(test::hex_of(raw.receive()), test::hex_of(bytes_of_hex(system_error)));
}

TEST_F(ServerOnUdp, ATcpConnectionOfTheAddressIsNoProofOfWhoSendsADatagram) {
    start();
    auto connected = client();
    ASSERT_TRUE(connected.call<toy::Echo>({bytes_of("here")}));
    Socket raw{SOCK_DGRAM, udp};
    raw.send(toy_call<toy::Produce>({60'000}, {.xid = 2}));
    EXPECT_EQ(raw.receive().size(), 24U);
}

TEST_F(ServerOnUdp, AnAddressThatHasShownThatItGetsRepliesIsAnsweredAtLength) {
    options.correspondents = std::make_shared<Correspondents>();
    start();
    const auto address = *Address::parse("127.0.0.1");
    options.correspondents->heard(address, 100);
    options.correspondents->given_out(address, 1, Correspondents::links_wanted - 1);
    EXPECT_GT(options.correspondents->taken_up(address, 1), 0U);
    Socket raw{SOCK_DGRAM, udp};
    raw.send(toy_call<toy::Produce>({60'000}, {.xid = 2}));
    EXPECT_GT(raw.receive().size(), 60'000U);
}

TEST_F(ServerOnUdp, ARetransmissionIsAnsweredFromMemory) {
    start();
    const auto call = toy_call<toy::CountOnWorker>({5});
    Socket raw{SOCK_DGRAM, udp};
    raw.send(call);
    const auto reply = raw.receive();
    Socket from_another_port{SOCK_DGRAM, udp};
    from_another_port.send(call);
    EXPECT_EQ(test::hex_of(from_another_port.receive()), test::hex_of(reply));
    EXPECT_EQ(service.total, 5U);
}

}  // namespace
}  // namespace berth::rpc
