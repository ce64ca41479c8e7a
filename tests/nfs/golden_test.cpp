// Whole records as they went between a Linux 6.1 client and another server: our client sends the
// same calls and reads the same replies; our server answers such calls in the RFCs' bytes.
#include "tests/support/golden.hpp"

#include <string>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using test::message_of;

// What each call begins with behind its procedure number: RFC 5531 §9 and Appendix A.
const std::string credential = "00000001 00000020"                  // AUTH_SYS, 32 bytes
                               "00000000"                           //   stamp
                               "00000009 6c6162636c69656e74000000"  //   machine name "labclient"
                               "00000000 00000000"                  //   uid, gid
                               "00000000"                           //   no other gids
                               "00000000 00000000";                 // verifier: AUTH_NONE, empty
// And each reply behind its xid: REPLY, MSG_ACCEPTED, verifier AUTH_NONE and empty, SUCCESS.
const std::string accepted = "00000001 00000000 00000000 00000000 00000000";

const std::string directory_hex = "43000001 1244d477 bea99fad b12d015a 00aa00c2 975d9000";
const std::string file_hex = "43000001 1244d477 bea99fad b12d01d4 00aa00ed 9a5eb000";

const std::string lookup_call = "8000006c"                      // the last fragment, 108 bytes
                                "5ec14608 00000000 00000002"    // xid, CALL, RPC version 2
                                "000186a3 00000003 00000003" +  // NFS 3, LOOKUP
                                credential +                    //
                                "00000018" +
                                directory_hex +       // directory
                                "00000001 61000000";  // name "a"
const std::string lookup_reply = "80000074"
                                 "5ec14608" +
                                 accepted +
                                 "00000002"            // NFS3ERR_NOENT
                                 "00000001"            // attributes of the directory follow
                                 "00000002 000001ff"   // NF3DIR, mode 0777
                                 "00000002"            // links
                                 "00000000 00000000"   // uid, gid
                                 "00000000 00001000"   // size
                                 "00000000 00001000"   // used
                                 "00000000 00000000"   // device
                                 "2db1ad9f a9be77d4"   // fsid
                                 "00000000 00aa005a"   // fileid
                                 "6b001f15 271b1f31"   // atime
                                 "6b001f15 271b1f31"   // mtime
                                 "6b001f15 27582831";  // ctime

const std::string create_call = "8000008c"
                                "5fc14608 00000000 00000002"
                                "000186a3 00000003 00000008" +  // NFS 3, CREATE
                                credential +                    //
                                "00000018" +
                                directory_hex +               // directory
                                "00000001 61000000"           // name "a"
                                "00000000"                    // UNCHECKED
                                "00000001 000001a4"           // mode 0644
                                "00000000 00000000 00000000"  // no uid, gid, size
                                "00000000 00000000";          // atime, mtime: DONT_CHANGE
const std::string create_reply = "80000108"
                                 "5fc14608" +
                                 accepted +
                                 "00000000"             // NFS3_OK
                                 "00000001 00000018" +  // a handle follows
                                 file_hex +             //
                                 "00000001"             // attributes follow
                                 "00000001 000001a4"    // NF3REG, mode 0644
                                 "00000001"             // links
                                 "00000000 00000000"    // uid, gid
                                 "00000000 00000000"    // size
                                 "00000000 00000000"    // used
                                 "00000000 00000000"    // device
                                 "2db1ad9f a9be77d4"    // fsid
                                 "00000000 00aa00d4"    // fileid
                                 "6b001f1b 324fc70e"    // atime
                                 "6b001f1b 324fc70e"    // mtime
                                 "6b001f1b 324fc70e"    // ctime
                                 "00000001"             // directory, before: follows
                                 "00000000 00001000"    //   size
                                 "6b001f15 271b1f31"    //   mtime
                                 "6b001f15 27582831"    //   ctime
                                 "00000001"             // directory, after: follows
                                 "00000002 000001ff"    //   NF3DIR, mode 0777
                                 "00000002"             //   links
                                 "00000000 00000000"    //   uid, gid
                                 "00000000 00001000"    //   size
                                 "00000000 00001000"    //   used
                                 "00000000 00000000"    //   device
                                 "2db1ad9f a9be77d4"    //   fsid
                                 "00000000 00aa005a"    //   fileid
                                 "6b001f1b 3212be0e"    //   atime
                                 "6b001f1b 324fc70e"    //   mtime
                                 "6b001f1b 324fc70e";   //   ctime

const std::string write_call = "8000007c"
                               "60c14608 00000000 00000002"
                               "000186a3 00000003 00000007" +  // NFS 3, WRITE
                               credential +                    //
                               "00000018" +
                               file_hex +            // file
                               "00000000 00000000"   // offset
                               "00000003 00000002"   // count, FILE_SYNC
                               "00000003 68690a00";  // data "hi\n"
const std::string write_reply = "80000088"
                                "60c14608" +
                                accepted +
                                "00000000"            // NFS3_OK
                                "00000000"            // no attributes from before
                                "00000001"            // some from after
                                "00000001 000001a4"   //   NF3REG, mode 0644
                                "00000001"            //   links
                                "00000000 00000000"   //   uid, gid
                                "00000000 00000003"   //   size
                                "00000000 00001000"   //   used
                                "00000000 00000000"   //   device
                                "2db1ad9f a9be77d4"   //   fsid
                                "00000000 00aa00d4"   //   fileid
                                "6b001f1b 324fc70e"   //   atime
                                "6b001f1b 32a927fc"   //   mtime
                                "6b001f1b 32a927fc"   //   ctime
                                "00000003 00000002"   // count, FILE_SYNC
                                "161f006b 00000000";  // write verifier

const rpc::ClientIdentity linux_root{
    .flavor = rpc::AuthFlavor::sys, .uid = 0, .gid = 0, .gids = {}, .machine_name = "labclient"};

template <class Procedure>
void expect_exchange(const typename Procedure::Args& args, const std::string& call_record,
                     const std::string& reply_record) {
    test::expect_exchange<Procedure>(program, linux_root, args, message_of(call_record),
                                     message_of(reply_record));
}

KeptHandle handle_of(const std::string& hex) {
    return {test::bytes_of_hex(hex)};
}

TEST(Golden, LookupOfNothing) {
    const auto directory = handle_of(directory_hex);
    expect_exchange<Lookup>({entry(directory, "a")}, lookup_call, lookup_reply);
}

TEST(Golden, Create) {
    const auto directory = handle_of(directory_hex);
    NewAttributes attributes;
    attributes.mode = 0644U;
    expect_exchange<Create>(
        {entry(directory, "a"), Create::How::make<CreateMode::unchecked>(attributes)}, create_call,
        create_reply);
}

TEST(Golden, Write) {
    expect_exchange<Write>({.file = handle_of(file_hex),
                            .count = 3,
                            .stable = Stable::file_sync,
                            .data = data_of("hi\n")},
                           write_call, write_reply);
}

/// The server's side: the same calls, and what it has to say of its own tree. The clock stands but
/// for the nanosecond by which two changes differ.
class GoldenReplies : public ServiceTest {
protected:
    GoldenReplies()
        : ServiceTest{{.write_verifier = 0x0123456789ABCDEF},
                      {.clock = [] { return vfs::Time{.seconds = 0x6b001f1b}; }}} {}

    /// The reply to the call in a record.
    std::string answer(const std::string& call_record) {
        return hex_of(raw_.exchange(message_of(call_record)));
    }
    static std::string words(const std::string& hex) { return hex_of(test::bytes_of_hex(hex)); }
    /// As an opaque<>: with its length, padded.
    static std::string opaque(const KeptHandle& handle) {
        return test::hex_of(test::encoded(FileHandle{handle}));
    }
};

TEST_F(GoldenReplies, AHandleOfAnotherServer) {
    EXPECT_EQ(answer(lookup_call), words("5ec14608" + accepted +
                                         "00002711"     // NFS3ERR_BADHANDLE
                                         "00000000"));  // no attributes
    EXPECT_EQ(answer(create_call), words("5fc14608" + accepted +
                                         "00002711"
                                         "00000000 00000000"));
    EXPECT_EQ(answer(write_call), words("60c14608" + accepted +
                                        "00002711"
                                        "00000000 00000000"));
}

// At a mount point that stays hidden the file system gives nothing away, and no more is said.
TEST_F(GoldenReplies, AHiddenMountPoint) {
    make_directory(root(), "mounted");
    fail_all(vfs::faulty::Operation::lookup, std::errc::permission_denied);
    fail_all(vfs::faulty::Operation::peek, std::errc::permission_denied);
    const auto directory = "00000001" + test::hex_of(test::encoded(attributes(root())));
    const auto head = [](const std::string& procedure) {
        return "5ec14608 00000000 00000002 000186a3 00000003 " + procedure + credential;
    };
    const auto lookup = head("00000003") + opaque(root()) + "00000007 6d6f756e 74656400";
    EXPECT_EQ(hex_of(raw_.exchange(test::bytes_of_hex(lookup))),
              words("5ec14608" + accepted + "0000000d" + directory));  // NFS3ERR_ACCES

    const auto list = head("00000011") + opaque(root()) +
                      "00000000 00000002"   // the cookie behind ".."
                      "62657274 68000001"   // verifier
                      "00001000 00001000";  // dircount, maxcount
    EXPECT_EQ(hex_of(raw_.exchange(test::bytes_of_hex(list))),
              words("5ec14608" + accepted + "00000000" + directory +
                    "62657274 68000001"           // verifier
                    "00000001"                    // an entry
                    "00000000 00000002"           //   fileid: of what is covered
                    "00000007 6d6f756e 74656400"  //   name "mounted"
                    "00000000 00000003"           //   cookie
                    "00000000 00000000"           //   no attributes, no handle
                    "00000000 00000001"));        // no more; the end
}

TEST_F(GoldenReplies, AFileWritten) {
    const auto file = make_file(root(), "a");
    xdr::Writer fsid;
    fsid.u64(exports_.pin()->matches("/tree").front().found->fsid);
    const auto call = "60c14608 00000000 00000002 000186a3 00000003 00000007" + credential +
                      opaque(file) + "00000000 00000000 00000003 00000002 00000003 68690a00";
    const auto reply = hex_of(raw_.exchange(test::bytes_of_hex(call)));
    EXPECT_EQ(reply, words("60c14608" + accepted +
                           "00000000"                   // NFS3_OK
                           "00000001"                   // attributes from before
                           "00000000 00000000"          //   size
                           "6b001f1b 00000001"          //   mtime
                           "6b001f1b 00000001"          //   ctime
                           "00000001"                   // and from after
                           "00000001 000001a4"          //   NF3REG, mode 0644
                           "00000001"                   //   links
                           "00000000 00000000"          //   uid, gid
                           "00000000 00000003"          //   size
                           "00000000 00001000"          //   used
                           "00000000 00000000" +        //   device
                           test::hex_of(fsid.flat()) +  //   fsid
                           "00000000 00000002"          //   fileid
                           "6b001f1b 00000001"          //   atime
                           "6b001f1b 00000002"          //   mtime
                           "6b001f1b 00000002"          //   ctime
                           "00000003 00000002"          // count, FILE_SYNC
                           "efcdab89 67452301"));       // write verifier
}

}  // namespace
}  // namespace berth::nfs
