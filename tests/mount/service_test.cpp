#include "mount/service.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/vfs/faulty.hpp"
#include "nfs/vfs/memory.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/caller.hpp"

namespace berth::mount {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const vfs::Caller root_user{.identity = {}, .wait = vfs::Wait::yes};

vfs::NodePtr made_directory(const vfs::NodePtr& in, std::string_view name, std::uint32_t mode) {
    return in->make_directory(root_user, name, {.mode = mode}).value();
}

rpc::Endpoint endpoint(const char* address, std::uint16_t port) {
    return {.address = *rpc::Address::parse(address), .port = port};
}

/// Exports /srv and, inside it, /srv/inner (another tree):
///   /srv/open/deep, /srv/closed (mode 0700), /srv/file, /srv/link -> open, /srv/out -> /
class MountService : public testing::Test {
protected:
    MountService() {
        const auto root = outer->root().value();
        made_directory(made_directory(root, "open", 0755), "deep", 0755);
        made_directory(made_directory(root, "closed", 0700), "deep", 0700);
        root->create(root_user, "file", {}).value();
        root->make_symbolic_link(root_user, "link", "open", {}).value();
        root->make_symbolic_link(root_user, "out", "/", {}).value();
        made_directory(inner->root().value(), "below", 0755);
    }

    test::Caller caller(std::uint32_t version) {
        test::Caller made{services.programs().at(version - 1)};
        made.from = endpoint("192.0.2.7", 700);
        return made;
    }

    Status status(std::string_view path) { return caller(3).call<Mount>({path}).discriminant(); }
    /// What the handle that MNT gives says.
    vfs::OpenedHandle handle(std::string_view path) {
        auto asking = caller(3);
        const auto result = asking.call<Mount>({path});
        const auto* ok = result.get_if<Status::ok>();
        EXPECT_NE(ok, nullptr) << path;
        return ok == nullptr ? vfs::OpenedHandle{} : sealer.open(ok->handle.bytes()).value();
    }
    /// From now on these are exported, as exports(5) writes it.
    void export_all(const std::string& text) {
        vfs::ExportsList list;
        vfs::parse_exports(text, "exports", list);
        for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
        std::vector<vfs::Export> all;
        for (const auto& listed : list.exports)
            all.push_back(vfs::make_export(listed.path, listed.path == "/srv" ? outer : inner,
                                           listed.clients));
        exports.replace(std::move(all));
    }
    vfs::ObjectId id(std::initializer_list<std::string_view> way) {
        auto node = outer->root().value();
        for (const auto name : way) node = node->lookup(root_user, name).value();
        return node->id();
    }

    std::shared_ptr<vfs::faulty::FileSystem> outer =
        std::make_shared<vfs::faulty::FileSystem>(vfs::memory::make());
    std::shared_ptr<vfs::FileSystem> inner = vfs::memory::make();
    vfs::Exports exports{{vfs::make_export("/srv", outer), vfs::make_export("/srv/inner", inner)}};
    vfs::HandleSealer sealer{vfs::HandleKey::random()};
    MountList mounts;
    Services services{exports, sealer, mounts};
};

TEST_F(MountService, HasTheProceduresOfTheRfc) {
    const auto programs = services.programs();
    ASSERT_THAT(programs, SizeIs(3));
    for (std::uint32_t version = 1; version <= 3; ++version) {
        const auto& program = programs[version - 1];
        EXPECT_EQ(program.id.number, 100005U);
        EXPECT_EQ(program.id.version, version);
        EXPECT_FALSE(program.any_credential);
        ASSERT_THAT(program.procedures, SizeIs(6));
        for (const auto& procedure : program.procedures) EXPECT_NE(procedure.invoke, nullptr);
    }
}

TEST_F(MountService, NullTakesAndGivesNothing) {
    for (std::uint32_t version = 1; version <= 3; ++version) {
        auto asking = caller(version);
        EXPECT_EQ(asking.invoke(0, {}), rpc::Outcome::success);
        EXPECT_THAT(asking.results(), IsEmpty());
    }
}

TEST_F(MountService, MountGivesTheHandleOfAnExportsRoot) {
    const auto opened = handle("/srv");
    EXPECT_EQ(opened.export_id, exports.pin()->all()[0].id);
    EXPECT_EQ(opened.object, id({}));
}

TEST_F(MountService, MountOffersUnixCredentialsAndNeverAnEmptyList) {
    auto asking = caller(3);
    const auto result = asking.call<Mount>({std::string_view{"/srv"}});
    ASSERT_EQ(result.discriminant(), Status::ok);
    EXPECT_THAT(result.get_if<Status::ok>()->flavors.items,
                testing::ElementsAre(rpc::AuthFlavor::sys));
}

TEST_F(MountService, MountMayBlockAndRunsOnAWorker) {
    EXPECT_EQ(Mount::id.runs, rpc::Runs::on_worker);
}

TEST_F(MountService, ADirectoryBelowCanBeMounted) {
    EXPECT_EQ(handle("/srv/open/deep").object, id({"open", "deep"}));
    EXPECT_EQ(handle("/srv/open/deep").export_id, exports.pin()->all()[0].id);
}

TEST_F(MountService, TheLongestExportIsTheOne) {
    EXPECT_EQ(handle("/srv/inner").export_id, exports.pin()->all()[1].id);
    EXPECT_EQ(handle("/srv/inner/below").export_id, exports.pin()->all()[1].id);
    EXPECT_EQ(status("/srv/inner/open"), Status::no_entry);
}

TEST_F(MountService, SlashesAndDotsMakeNoDifference) {
    for (const auto* const path : {"/srv/open/", "//srv//open", "/srv/./open/.", "/./srv/open"})
        EXPECT_EQ(handle(path).object, id({"open"})) << path;
}

TEST_F(MountService, AClosedDirectoryIsMountedByWhoeverAsks) {
    EXPECT_EQ(handle("/srv/closed/deep").object, id({"closed", "deep"}));
}

TEST_F(MountService, WhatIsNotExportedIsDenied) {
    for (const auto* const path :
         {"/", "", "/sr", "/srvx", "/srv2/open", "/etc", "srv", "./srv", "/SRV"})
        EXPECT_EQ(status(path), Status::access_denied) << path;
    EXPECT_EQ(status(std::string_view{"/srv\0/open", 10}), Status::access_denied);
}

TEST_F(MountService, NothingLeadsOutOfAnExport) {
    for (const auto* const path : {"/srv/..", "/srv/../srv", "/srv/open/../../etc", "/srv/open/.."})
        EXPECT_EQ(status(path), Status::access_denied) << path;
    for (const auto* const path : {"/srv/out", "/srv/out/etc", "/srv/link", "/srv/link/deep"})
        EXPECT_EQ(status(path), Status::not_a_directory) << path;
}

TEST_F(MountService, WhatIsMissingAndWhatIsNoDirectory) {
    EXPECT_EQ(status("/srv/missing"), Status::no_entry);
    EXPECT_EQ(status("/srv/missing/deep"), Status::no_entry);
    EXPECT_EQ(status("/srv/file"), Status::not_a_directory);
    EXPECT_EQ(status("/srv/file/deep"), Status::not_a_directory);
}

TEST_F(MountService, NamesThatAreTooLong) {
    EXPECT_EQ(status("/srv/" + std::string(255, 'x')), Status::no_entry);
    EXPECT_EQ(status("/srv/" + std::string(256, 'x')), Status::name_too_long);
    std::string longest = "/srv";
    while (longest.size() < path_bytes_max) longest += '/';
    EXPECT_EQ(status(longest), Status::ok);
    EXPECT_EQ(status(longest + "/"), Status::name_too_long);
    EXPECT_EQ(status(std::string(1 << 20, '/')), Status::name_too_long);
}

TEST_F(MountService, EveryStatusThatTheFileSystemCanCause) {
    const std::pair<std::errc, Status> cases[]{
        {std::errc::no_such_file_or_directory, Status::no_entry},
        {vfs::stale, Status::no_entry},
        {std::errc::permission_denied, Status::access_denied},
        {std::errc::operation_not_permitted, Status::not_permitted},
        {std::errc::not_a_directory, Status::not_a_directory},
        {std::errc::too_many_symbolic_link_levels, Status::not_a_directory},
        {std::errc::filename_too_long, Status::name_too_long},
        {std::errc::io_error, Status::io_error},
        {std::errc::too_many_files_open, Status::server_fault},
        {std::errc::not_enough_memory, Status::server_fault},
    };
    using vfs::faulty::Operation;
    for (const auto& [error, expected] : cases) {
        for (const auto failing : {Operation::root, Operation::lookup, Operation::attributes}) {
            const vfs::faulty::Fault fault{
                .error = error, .applies = [failing](Operation it) { return it == failing; }};
            outer->inject(fault);
            EXPECT_EQ(status("/srv/open"), expected) << static_cast<int>(error);
            outer->clear();
        }
    }
    EXPECT_EQ(status("/srv/open"), Status::ok);
}

TEST_F(MountService, AFailedMountLeavesNoTrace) {
    status("/srv/missing");
    status("/etc");
    EXPECT_THAT(mounts.all(), IsEmpty());
}

TEST_F(MountService, Version1GetsNoHandle) {
    for (const std::uint32_t version : {1U, 2U}) {
        auto asking = caller(version);
        for (const auto* const path : {"/srv", "/missing", ""}) {
            const auto result = asking.call<Mount1>({std::string_view{path}});
            EXPECT_EQ(result.discriminant(), Mount1::access_denied);
        }
        EXPECT_EQ(asking.results(), test::bytes_of_hex("0000000d"));
    }
    EXPECT_THAT(mounts.all(), IsEmpty());
}

TEST_F(MountService, DumpShowsWhoMountedWhatInEveryVersion) {
    status("/srv//open/");
    auto other = caller(3);
    other.from = endpoint("2001:db8::9", 700);
    other.call<Mount>({std::string_view{"/srv"}});
    for (std::uint32_t version = 1; version <= 3; ++version) {
        auto asking = caller(version);
        const auto list = asking.call<Dump>({}).items;
        ASSERT_THAT(list, SizeIs(2));
        EXPECT_EQ(list[0].host.view(), "192.0.2.7");
        EXPECT_EQ(list[0].directory.view(), "/srv/open");
        EXPECT_EQ(list[1].host.view(), "2001:db8::9");
        EXPECT_EQ(list[1].directory.view(), "/srv");
    }
}

TEST_F(MountService, UnmountRemovesTheCallersOwnInEveryVersion) {
    for (std::uint32_t version = 1; version <= 3; ++version) {
        status("/srv");
        auto other = caller(3);
        other.from = endpoint("192.0.2.8", 700);
        other.call<Mount>({std::string_view{"/srv"}});
        auto asking = caller(version);
        asking.call<Unmount>({std::string_view{"/srv/"}});
        ASSERT_THAT(mounts.all(), SizeIs(1));
        EXPECT_EQ(mounts.all()[0].host, "192.0.2.8");
        for (const auto* const never : {"/srv", "/never", "", "/srv/.."})
            asking.call<Unmount>({std::string_view{never}});
        EXPECT_THAT(mounts.all(), SizeIs(1));
        asking.from = endpoint("192.0.2.8", 1);
        asking.call<UnmountAll>({});
        EXPECT_THAT(mounts.all(), IsEmpty());
    }
}

TEST_F(MountService, ExportListsAllForEveryone) {
    for (std::uint32_t version = 1; version <= 3; ++version) {
        auto asking = caller(version);
        const auto list = asking.call<Export>({}).items;
        ASSERT_THAT(list, SizeIs(2));
        EXPECT_EQ(list[0].directory.view(), "/srv");
        EXPECT_EQ(list[1].directory.view(), "/srv/inner");
        for (const auto& exported : list) EXPECT_THAT(exported.groups.items, IsEmpty());
    }
}

TEST_F(MountService, ExportNamesTheClients) {
    export_all("/srv *.lab.example(rw) 192.0.2.0/24 2001:db8::1 @trusted *\n/srv/inner *\n");
    for (std::uint32_t version = 1; version <= 3; ++version) {
        auto asking = caller(version);
        const auto list = asking.call<Export>({}).items;
        ASSERT_THAT(list, SizeIs(2));
        std::vector<std::string> groups;
        for (const auto& group : list[0].groups.items) groups.emplace_back(group.view());
        EXPECT_THAT(groups, testing::ElementsAre("2001:db8::1", "192.0.2.0/24", "*.lab.example",
                                                 "@trusted", "*"));
        EXPECT_THAT(list[1].groups.items, IsEmpty()) << "everyone";
    }
}

TEST_F(MountService, WhoIsNotListedIsDenied) {
    export_all("/srv 192.0.2.0/28");
    EXPECT_EQ(status("/srv/open"), Status::ok);
    auto other = caller(3);
    other.from = endpoint("192.0.2.16", 700);
    for (const auto* const path : {"/srv", "/srv/missing", "/srv/file", "/elsewhere"})
        EXPECT_EQ(other.call<Mount>({std::string_view{path}}).discriminant(),
                  Status::access_denied);
    EXPECT_THAT(mounts.all(), SizeIs(1));
}

TEST_F(MountService, WhoCallsFromAHighPortIsToldThatUnlessItMay) {
    export_all("/srv *\n/srv/inner *(insecure)");
    auto asking = caller(3);
    asking.from.port = 1024;
    EXPECT_EQ(asking.call<Mount>({std::string_view{"/srv"}}).discriminant(), Status::not_permitted);
    EXPECT_EQ(asking.call<Mount>({std::string_view{"/srv/inner"}}).discriminant(), Status::ok);
    asking.from.port = 1023;
    EXPECT_EQ(asking.call<Mount>({std::string_view{"/srv"}}).discriminant(), Status::ok);
}

TEST_F(MountService, AnExportForOthersIsADirectoryOfTheOneAround) {
    export_all("/srv *\n/srv/inner 192.0.2.9");
    made_directory(outer->root().value(), "inner", 0755);
    EXPECT_EQ(handle("/srv/inner").object, id({"inner"}));
    EXPECT_EQ(handle("/srv/inner").export_id, exports.pin()->all()[0].id);
    auto other = caller(3);
    other.from = endpoint("192.0.2.9", 700);
    const auto result = other.call<Mount>({std::string_view{"/srv/inner"}});
    ASSERT_NE(result.get_if<Status::ok>(), nullptr);
    EXPECT_EQ(sealer.open(result.get_if<Status::ok>()->handle.bytes())->export_id,
              exports.pin()->all()[1].id);
}

TEST_F(MountService, FlavorsAreOfferedAsTheEntrySays) {
    const std::pair<const char*, std::vector<rpc::AuthFlavor>> table[]{
        {"/srv *", {rpc::AuthFlavor::sys}},
        {"/srv *(sec=sys)", {rpc::AuthFlavor::sys}},
        {"/srv *(sec=none)", {rpc::AuthFlavor::none}},
        {"/srv *(sec=none:sys)", {rpc::AuthFlavor::none, rpc::AuthFlavor::sys}},
    };
    for (const auto& [text, flavors] : table) {
        export_all(text);
        auto asking = caller(3);
        const auto result = asking.call<Mount>({std::string_view{"/srv"}});
        ASSERT_NE(result.get_if<Status::ok>(), nullptr) << text;
        EXPECT_EQ(result.get_if<Status::ok>()->flavors.items, flavors) << text;
    }
}

TEST_F(MountService, WhoCanNotBeToldApartIsAFaultOfTheServer) {
    export_all("/srv *.lab.example");
    EXPECT_EQ(status("/srv"), Status::server_fault) << "not a denial: later it may be allowed";
}

TEST_F(MountService, OverUdpListsEndWhereTheDatagramDoes) {
    for (int i = 0; i < 200; ++i)
        mounts.add("192.0.2.7", std::to_string(i) + std::string(1000, 'x'));
    auto asking = caller(3);
    EXPECT_THAT(asking.call<Dump>({}).items, SizeIs(200));
    asking.transport = rpc::Transport::udp;
    const auto list = asking.call<Dump>({}).items;
    EXPECT_LT(list.size(), 200U);
    EXPECT_GT(list.size(), 50U);
    EXPECT_LT(asking.results().size(), 65000U);
}

TEST_F(MountService, NoPrefixOfArgumentsIsTaken) {
    auto asking = caller(3);
    asking.expect_no_prefix_taken<Mount>({std::string_view{"/srv/open"}});
    asking.expect_no_prefix_taken<Unmount>({std::string_view{"/srv/open"}});
    auto old = caller(1);
    old.expect_no_prefix_taken<Mount1>({std::string_view{"/srv/open"}});
    old.expect_no_prefix_taken<Unmount>({std::string_view{"/srv/open"}});
}

TEST_F(MountService, AnUnmountOfMoreThanAPathIsGarbage) {
    auto asking = caller(3);
    const std::string longest(path_bytes_max, '/');
    asking.call<Unmount>({std::string_view{longest}});
    const auto longer = test::encoded(xdr::String<>{std::string_view{longest + "/"}});
    EXPECT_EQ(asking.invoke(Unmount::id.number, longer), rpc::Outcome::garbage_arguments);
}

// From linux-mount-and-use.pcap, frames 98, 99 and 161: a Linux client mounts and unmounts. The
// reply's bytes but for the handle, which is the server's own.
TEST(MountGolden, MountAndUnmount) {
    const auto tree = std::shared_ptr{vfs::memory::make()};
    const vfs::Exports exports{{vfs::make_export("/tmp/lab-src/run/x.m1", tree)}};
    const vfs::HandleSealer sealer{vfs::HandleKey::random()};
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
    const vfs::Exports exports{
        {vfs::make_export("/tmp/lab-src/run/x.tools", std::shared_ptr{vfs::memory::make()})}};
    const vfs::HandleSealer sealer{vfs::HandleKey::random()};
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
