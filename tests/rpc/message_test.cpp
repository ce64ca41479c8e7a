#include "rpc/message.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"
#include "tests/support/bytes.hpp"

namespace berth::rpc {
namespace {

using test::bytes_of_hex;
using test::decodes;
using test::encoded;
using test::hex_of;

constexpr std::string_view call_hex =
    "11223344"                    // xid
    "00000000"                    // CALL
    "00000002"                    // RPC version 2
    "000186a3"                    // program 100003
    "00000003"                    // version 3
    "00000001"                    // procedure 1
    "00000001 00000024"           // AUTH_SYS, 36 bytes
    "0a0b0c0d"                    //   stamp
    "00000006 636c69656e740000"   //   machine name "client" and its padding
    "000003e8 00000064"           //   uid 1000, gid 100
    "00000002 00000064 0000000a"  //  gids 100, 10
    "00000000 00000000";          // verifier: AUTH_NONE, empty

TEST(Message, CallEncodesToTheRfcsBytes) {
    AuthSys sys{.stamp = 0x0a0b0c0d,
                .machine_name = std::string_view{"client"},
                .uid = 1000,
                .gid = 100,
                .gids = {}};
    sys.gids.items = {100, 10};
    const auto credential = encoded(sys);
    CallBody body{.rpc_version = 2,
                  .program = 100003,
                  .version = 3,
                  .procedure = 1,
                  .credential = {AuthFlavor::sys, std::span{credential}},
                  .verifier = {}};
    Message message{.xid = 0x11223344, .body = {}};
    message.body = decltype(message.body)::make<MessageType::call>(body);
    EXPECT_EQ(hex_of(encoded(message)), hex_of(bytes_of_hex(call_hex)));
}

TEST(Message, CallDecodes) {
    const auto bytes = bytes_of_hex(call_hex);
    xdr::Reader in{bytes};
    Message message;
    xdr::decode(in, message);
    ASSERT_TRUE(in.ok());
    EXPECT_TRUE(in.rest().empty());
    EXPECT_EQ(message.xid, 0x11223344U);
    const auto* call = message.body.get_if<MessageType::call>();
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(call->program, 100003U);
    EXPECT_EQ(call->version, 3U);
    EXPECT_EQ(call->procedure, 1U);
    EXPECT_EQ(call->credential.flavor, AuthFlavor::sys);
    EXPECT_EQ(call->verifier.body.size(), 0U);

    xdr::Reader credential{call->credential.body.bytes()};
    AuthSys sys;
    xdr::decode(credential, sys);
    ASSERT_TRUE(credential.ok());
    EXPECT_EQ(sys.machine_name.view(), "client");
    EXPECT_EQ(sys.uid, 1000U);
    ASSERT_EQ(sys.gids.items.size(), 2U);
    EXPECT_EQ(sys.gids.items[1], 10U);
}

TEST(Message, EveryReplyEncodesToTheRfcsBytes) {
    const auto reply = [](ReplyBody body) {
        Message message{.xid = 7, .body = {}};
        message.body = decltype(message.body)::make<MessageType::reply>(std::move(body));
        return hex_of(encoded(message));
    };
    const auto accepted = [&](AcceptedBody body) {
        return reply(ReplyBody::make<ReplyStatus::accepted>({.verifier = {}, .body = body}));
    };
    const auto denied = [&](RejectedReply body) {
        return reply(ReplyBody::make<ReplyStatus::denied>(body));
    };
    // xid, REPLY, MSG_ACCEPTED, verifier AUTH_NONE and empty; then accept_stat.
    const std::string head = "00000007"
                             "00000001"
                             "00000000"
                             "00000000"
                             "00000000";
    EXPECT_EQ(accepted(AcceptedBody::otherwise(AcceptStatus::success)), head + "00000000");
    EXPECT_EQ(accepted(AcceptedBody::otherwise(AcceptStatus::program_unavailable)),
              head + "00000001");
    EXPECT_EQ(accepted(AcceptedBody::make<AcceptStatus::program_mismatch>({.low = 2, .high = 4})),
              head + "00000002"
                     "00000002"
                     "00000004");
    EXPECT_EQ(accepted(AcceptedBody::otherwise(AcceptStatus::procedure_unavailable)),
              head + "00000003");
    EXPECT_EQ(accepted(AcceptedBody::otherwise(AcceptStatus::garbage_arguments)),
              head + "00000004");
    EXPECT_EQ(accepted(AcceptedBody::otherwise(AcceptStatus::system_error)), head + "00000005");
    // xid, REPLY, MSG_DENIED, reject_stat
    EXPECT_EQ(denied(RejectedReply::make<RejectStatus::rpc_mismatch>({.low = 2, .high = 2})),
              "00000007"
              "00000001"
              "00000001"
              "00000000"
              "00000002"
              "00000002");
    for (std::uint32_t status = 0; status <= 14; ++status) {
        xdr::Writer number;
        number.u32(status);
        EXPECT_EQ(denied(RejectedReply::make<RejectStatus::authentication_error>(
                      static_cast<AuthStatus>(status))),
                  "00000007"
                  "00000001"
                  "00000001"
                  "00000001" +
                      hex_of(number.flat()));
    }
}

TEST(Message, UnknownEnumeratorsAreRefused) {
    const auto refused = [](std::string_view hex) { return !decodes<Message>(bytes_of_hex(hex)); };
    EXPECT_TRUE(refused("00000007 00000002"));                             // message type 2
    EXPECT_TRUE(refused("00000007 00000001 00000002"));                    // reply_stat 2
    EXPECT_TRUE(refused("00000007 00000001 00000001 00000002 00000000"));  // reject_stat 2
    EXPECT_TRUE(refused("00000007 00000001 00000000"                       // accept_stat 6
                        "00000000 00000000 00000006"));
    // Flavours and auth_stat are open sets.
    EXPECT_FALSE(refused("00000007 00000001 00000001 00000001 000003e7"));
    EXPECT_FALSE(refused("00000007 00000001 00000000 000003e7 00000000 00000000"));
}

TEST(Message, NoProperPrefixOfACallIsOne) {
    const auto bytes = bytes_of_hex(call_hex);
    ASSERT_TRUE(decodes<Message>(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decodes<Message>(std::span{bytes}.first(size))) << size;
}

TEST(Message, AnAuthBodyHas400BytesAtMost) {
    const Bytes most(400);
    const Bytes more(404);
    EXPECT_TRUE(decodes<OpaqueAuth>(bytes_of_hex("00000001 00000190" + hex_of(most))));
    EXPECT_FALSE(decodes<OpaqueAuth>(bytes_of_hex("00000001 00000191" + hex_of(more))));
}

}  // namespace
}  // namespace berth::rpc
