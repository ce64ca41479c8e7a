// MNT as it went in datagrams between a Linux 6.1 client and another server: RFC 1813 §5.2.1.
#include "tests/support/golden.hpp"

#include <string>
#include <string_view>

#include "mount/protocol.hpp"

namespace berth::mount {
namespace {

using test::bytes_of_hex;

TEST(GoldenMount, Mount) {
    const auto call =
        bytes_of_hex("68fd6869 00000000 00000002"         // xid, CALL, RPC version 2
                     "000186a5 00000003 00000001"         // MOUNT 3, MNT
                     "00000001 00000020"                  // AUTH_SYS, 32 bytes
                     "00000000"                           //   stamp
                     "00000009 6c6162636c69656e74000000"  //   machine name "labclient"
                     "00000000 00000000 00000000"         //   uid, gid, no other gids
                     "00000000 00000000"                  // verifier: AUTH_NONE, empty
                     "00000015 2f746d702f6c61622d7372632f72756e2f782e6d31 000000");  // path
    const auto reply = bytes_of_hex("68fd6869 00000001 00000000"  // xid, REPLY, MSG_ACCEPTED
                                    "00000000 00000000"           // verifier: AUTH_NONE, empty
                                    "00000000"                    // SUCCESS
                                    "00000000"                    // MNT3_OK
                                    "00000018"                    // a handle of 24 bytes
                                    "43000001 1244d477 bea99fad b12d015a 00aa00c2 975d9000"
                                    "00000002 00000001 00000000");  // flavours: SYS, NONE
    test::expect_exchange<Mount>(id3, {.flavor = rpc::AuthFlavor::sys, .machine_name = "labclient"},
                                 std::string_view{"/tmp/lab-src/run/x.m1"}, call, reply);
}

}  // namespace
}  // namespace berth::mount
