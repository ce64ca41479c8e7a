#include "rpc/channel.hpp"

#include <atomic>
#include <string>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"
#include "tests/rpc/fake_server.hpp"

namespace berth::rpc {
namespace {

using std::chrono::milliseconds;
using test::bytes_of_hex;
using test::hex_of;

constexpr ChannelOptions hasty{.retransmit_after = milliseconds{20},
                               .give_up_after = milliseconds{150}};
constexpr ChannelOptions stubborn{.retransmit_after = milliseconds{20},
                                  .give_up_after = test::patience};

/// Sends a call of xid 7 and tells the reply in hex, or the error.
std::string outcome(Channel& channel, std::uint32_t xid = 7) {
    xdr::Writer message;
    message.u32(xid);
    message.u32(0xCA11CA11);
    const auto reply = channel.exchange(xid, message);
    return reply ? hex_of(*reply) : reply.error().message();
}
std::string message_of(int number) {
    return boost::system::error_code{number, boost::system::system_category()}.message();
}

const auto call_record = bytes_of_hex("00000007 ca11ca11");
const auto reply_record = bytes_of_hex("00000007 0badcafe");
const auto late_reply = bytes_of_hex("00000006 0badcafe");

TEST(TcpChannel, OneConnectionServesManyCalls) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          for (std::uint32_t i = 0; i < 3; ++i) peer.send_record(peer.record());
                          EXPECT_TRUE(peer.record().empty());
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint());
    for (std::uint32_t xid = 1; xid < 4; ++xid)
        EXPECT_EQ(outcome(*channel, xid), "0000000" + std::to_string(xid) + "ca11ca11");
}

TEST(TcpChannel, RepliesToEarlierCallsArePassedOver) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          peer.record();
                          peer.send_record(late_reply);
                          peer.send_record(late_reply);
                          peer.send_record(reply_record);
                          EXPECT_TRUE(peer.record().empty());
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint());
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(TcpChannel, ARepliesPiecesAreJoined) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          peer.record();
                          for (const auto byte :
                               bytes_of_hex("00000006 000000070bad 80000002 cafe"))
                              peer.send({&byte, 1});
                          EXPECT_TRUE(peer.record().empty());
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint());
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(TcpChannel, ASlowServerIsSentTheSameBytesAgain) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          for (int i = 0; i < 3; ++i) EXPECT_EQ(peer.record(), call_record);
                          peer.send_record(reply_record);
                          while (!peer.record().empty()) {
                          }
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(TcpChannel, ASilentServerIsATimeOut) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          while (!peer.record().empty()) {
                          }
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), hasty);
    EXPECT_EQ(outcome(*channel), message_of(ETIMEDOUT));
}

TEST(TcpChannel, ALostConnectionIsMadeAgainAndTheSameBytesSent) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          EXPECT_EQ(listener.accept().record(), call_record);
                          auto peer = listener.accept();
                          EXPECT_EQ(peer.record(), call_record);
                          peer.send_record(reply_record);
                          EXPECT_TRUE(peer.record().empty());
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(TcpChannel, AConnectionClosedBetweenCallsIsMadeAgain) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          for (int i = 0; i < 3; ++i) {
                              auto peer = listener.accept();
                              peer.send_record(peer.record());
                          }
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), stubborn);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome(*channel), hex_of(call_record));
}

TEST(TcpChannel, AServerThatAlwaysHangsUpIsNotOverrun) {
    std::atomic<int> connections{0};
    std::atomic<bool> over{false};
    FakeServer server{Transport::tcp, [&](FakePeer& listener) {
                          while (!over) {
                              if (!listener.is_readable(milliseconds{5})) continue;
                              listener.accept();
                              ++connections;
                          }
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), hasty);
    const auto text = outcome(*channel);
    over = true;
    server.join();
    EXPECT_NE(text, hex_of(reply_record));
    // One at once, one at once again, then one each time it would have sent again, and a last one.
    EXPECT_LE(connections, 3 + hasty.give_up_after / hasty.retransmit_after);
}

TEST(TcpChannel, NobodyListening) {
    FakeServer server{Transport::udp, [](FakePeer&) {}};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), message_of(ECONNREFUSED));
}

TEST(TcpChannel, AReplyOfMoreThanIsAllowedIsNotTaken) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          peer.record();
                          peer.send(bytes_of_hex("80000021"));
                          EXPECT_TRUE(peer.record().empty());
                      }};
    const auto channel = open_channel(Transport::tcp, server.endpoint(), {.reply_bytes_max = 32});
    EXPECT_EQ(outcome(*channel), message_of(EBADMSG));
}

TEST(TcpChannel, CallsFromTheSourceThatWasAskedFor) {
    FakeServer server{Transport::tcp, [](FakePeer& listener) {
                          auto peer = listener.accept();
                          sockaddr_storage storage{};
                          socklen_t size = sizeof storage;
                          auto& address = reinterpret_cast<sockaddr&>(storage);
                          ::getpeername(peer.number(), &address, &size);
                          EXPECT_EQ(Endpoint::from(address).address.text(), "127.0.0.3");
                          peer.send_record(peer.record());
                      }};
    const auto channel =
        open_channel(Transport::tcp, server.endpoint(), {.source = endpoint("127.0.0.3", 0)});
    EXPECT_EQ(outcome(*channel), hex_of(call_record));
}

TEST(UdpChannel, LostDatagramsAreSentAgainAsTheyWere) {
    FakeServer server{Transport::udp, [](FakePeer& peer) {
                          for (int lost = 0; lost < 3; ++lost)
                              EXPECT_EQ(peer.datagram(), call_record);
                          EXPECT_EQ(peer.datagram(), call_record);
                          peer.send_datagram(reply_record);
                      }};
    const auto channel = open_channel(Transport::udp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(UdpChannel, RepliesToEarlierCallsAndScrapsArePassedOver) {
    FakeServer server{Transport::udp, [](FakePeer& peer) {
                          peer.datagram();
                          peer.send_datagram(late_reply);
                          peer.send_datagram({});
                          peer.send_datagram(bytes_of_hex("0000"));
                          peer.send_datagram(reply_record);
                      }};
    const auto channel = open_channel(Transport::udp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(UdpChannel, ASilentServerIsATimeOut) {
    FakeServer server{Transport::udp, [](FakePeer& peer) {
                          while (peer.is_readable(milliseconds{300}))
                              EXPECT_EQ(peer.datagram(), call_record);
                      }};
    const auto channel = open_channel(Transport::udp, server.endpoint(), hasty);
    EXPECT_EQ(outcome(*channel), message_of(ETIMEDOUT));
}

TEST(UdpChannel, NobodyListening) {
    FakeServer server{Transport::tcp, [](FakePeer&) {}};
    const auto channel = open_channel(Transport::udp, server.endpoint(), stubborn);
    EXPECT_EQ(outcome(*channel), message_of(ECONNREFUSED));
}

TEST(UdpChannel, CallsFromTheSourceThatWasAskedFor) {
    FakeServer server{Transport::udp, [](FakePeer& peer) {
                          peer.datagram();
                          EXPECT_EQ(peer.client().address.text(), "127.0.0.3");
                          peer.send_datagram(reply_record);
                      }};
    const auto channel =
        open_channel(Transport::udp, server.endpoint(), {.source = endpoint("127.0.0.3", 0)});
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

TEST(UdpChannel, CallsFromAPortOfRootsWhereThatIsAskedFor) {
    FakeServer server{Transport::udp, [](FakePeer& peer) {
                          peer.datagram();
                          EXPECT_EQ(peer.client().address.text(), "127.0.0.3");
                          EXPECT_LT(peer.client().port, 1024);
                          peer.send_datagram(reply_record);
                      }};
    const auto channel =
        open_channel(Transport::udp, server.endpoint(),
                     {.source = endpoint("127.0.0.3", 0), .from_reserved_port = true});
    EXPECT_EQ(outcome(*channel), hex_of(reply_record));
}

}  // namespace
}  // namespace berth::rpc
