// Look-ups as they went between tools of Linux and rpcbind, over TCP: RFC 1833 §3.2, §2.2.1.
#include "tests/support/golden.hpp"

#include <string>
#include <string_view>

#include "portmap/protocol.hpp"

namespace berth::portmap {
namespace {

using test::message_of;

// What each call here begins with behind its procedure number: AUTH_NONE twice, empty.
const std::string nobody = "00000000 00000000 00000000 00000000";
// And each reply behind its xid: REPLY, MSG_ACCEPTED, verifier AUTH_NONE and empty, SUCCESS.
const std::string accepted = "00000001 00000000 00000000 00000000 00000000";

TEST(GoldenPortmap, GetPort) {
    const auto call = message_of("80000038"                      // the last fragment, 56 bytes
                                 "d38e6079 00000000 00000002"    // xid, CALL, RPC version 2
                                 "000186a0 00000002 00000003" +  // PORTMAP 2, GETPORT
                                 nobody +                        //
                                 "000186a3 00000003"             // NFS 3
                                 "00000006 00000000");           // TCP, no port
    const auto reply = message_of("8000001c"                     //
                                  "d38e6079" +
                                  accepted + "00000801");  // 2049
    test::expect_exchange<v2::GetPort>(
        v2::id, {}, {.program = 100003, .version = 3, .protocol = v2::Protocol::tcp, .port = 0},
        call, reply);
}

TEST(GoldenPortmap, GetAddress) {
    const auto call = message_of("80000058"
                                 "d3931858 00000000 00000002"
                                 "000186a0 00000004 00000003" +                // RPCBIND 4, GETADDR
                                 nobody +                                      //
                                 "000186a5 00000003"                           // MOUNT 3
                                 "00000003 74637000"                           // netid "tcp"
                                 "0000000e 31302e392e302e312e302e313131 0000"  // "10.9.0.1.0.111"
                                 "00000008 6c69627469727063");                 // owner "libtirpc"
    const auto reply =
        message_of("8000002c"
                   "d3931858" +
                   accepted + "0000000f 31302e392e302e312e3136362e3139 00");  // "10.9.0.1.166.19"
    test::expect_exchange<rpcbind::GetAddress>(rpcbind::id4, {},
                                               {.program = 100005,
                                                .version = 3,
                                                .netid = std::string_view{"tcp"},
                                                .address = std::string_view{"10.9.0.1.0.111"},
                                                .owner = std::string_view{"libtirpc"}},
                                               call, reply);
}

}  // namespace
}  // namespace berth::portmap
