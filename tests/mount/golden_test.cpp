// What went over the wire between Linux 6.1 clients and another server: RFC 1813 §5.2.
#include "tests/support/golden.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include "mount/protocol.hpp"
#include "mount/service.hpp"
#include "nfs/vfs/memory.hpp"
#include "tests/support/caller.hpp"

namespace berth::mount {
namespace {

using test::bytes_of_hex;
using testing::IsEmpty;

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

// From linux-mount-and-use.pcap, frames 98, 99 and 161: a Linux client mounts and unmounts. The
// reply's bytes but for the handle, which is the server's own.
TEST(MountGolden, MountAndUnmount) {
    const auto tree = std::shared_ptr{vfs::memory::make()};
    const exports::Exports exports{{exports::make_export("/tmp/lab-src/run/x.m1", tree)}};
    const exports::HandleSealer sealer{exports::HandleKey::random()};
    MountList mounts;
    Services services{exports, sealer, mounts};
    test::Caller caller{services.programs()[2]};
    const auto arguments = test::bytes_of_hex("00000015"  // length of the path
                                              "2f746d702f6c61622d7372632f72756e2f782e6d31"
                                              "000000");  // "/tmp/lab-src/run/x.m1"
    ASSERT_EQ(caller.invoke(Mount::id.number, arguments), rpc::Outcome::success);

    const auto handle = sealer.seal(exports.pin()->all()[0].id, tree->root().value()->id());
    auto expected = test::bytes_of_hex("00000000");  // MNT3_OK
    const auto counted = test::encoded(xdr::Opaque<64>{handle.bytes()});
    expected.insert(expected.end(), counted.begin(), counted.end());
    const auto flavors = test::bytes_of_hex("00000001"    // one flavour
                                            "00000001");  // AUTH_SYS
    expected.insert(expected.end(), flavors.begin(), flavors.end());
    EXPECT_EQ(caller.results(), expected);

    ASSERT_EQ(caller.invoke(Unmount::id.number, arguments), rpc::Outcome::success);
    EXPECT_THAT(caller.results(), IsEmpty());
    EXPECT_THAT(mounts.all(), IsEmpty());
}

// From linux-mount-and-use.pcap, frame 99: a server's answer with a handle of 24 bytes.
TEST(MountGolden, AnotherServersAnswer) {
    const auto reply =
        test::bytes_of_hex("00000000"  // MNT3_OK
                           "00000018"  // length of the handle
                           "43000001 1244d477 bea99fad b12d015a 00aa00c2 975d9000"  // the handle
                           "00000002"                                               // two flavours
                           "00000001 00000000");  // AUTH_SYS, AUTH_NONE
    xdr::Reader in{reply};
    Mount::Result result;
    xdr::decode(in, result);
    ASSERT_TRUE(in.ok());
    ASSERT_NE(result.get_if<Status::ok>(), nullptr);
    EXPECT_EQ(result.get_if<Status::ok>()->handle.size(), 24U);
    EXPECT_THAT(result.get_if<Status::ok>()->flavors.items,
                testing::ElementsAre(rpc::AuthFlavor::sys, rpc::AuthFlavor::none));
    EXPECT_EQ(test::encoded(result), reply);
}

// From rpcinfo-showmount.pcap, frame 21: the answer to `showmount -e`.
TEST(MountGolden, Export) {
    const exports::Exports exports{
        {exports::make_export("/tmp/lab-src/run/x.tools", std::shared_ptr{vfs::memory::make()})}};
    const exports::HandleSealer sealer{exports::HandleKey::random()};
    MountList mounts;
    Services services{exports, sealer, mounts};
    test::Caller caller{services.programs()[2]};
    ASSERT_EQ(caller.invoke(Export::id.number, {}), rpc::Outcome::success);
    EXPECT_EQ(caller.results(),
              test::bytes_of_hex("00000001"  // an export follows
                                 "00000018"  // length of the path
                                 "2f746d702f6c61622d737263"
                                 "2f72756e2f782e746f6f6c73"  // "/tmp/lab-src/run/x.tools"
                                 "00000000"                  // no groups: everyone
                                 "00000000"));               // the end
}

}  // namespace
}  // namespace berth::mount
