#include "mount/service.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mount/fixture.hpp"

namespace berth::mount {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(MountService, HasTheProceduresOfEachVersion) {
    const auto programs = services.programs();
    ASSERT_THAT(programs, SizeIs(3));
    for (std::uint32_t version = 1; version <= 3; ++version) {
        const auto& program = programs[version - 1];
        EXPECT_EQ(program.id.number, 100005U);
        EXPECT_EQ(program.id.version, version);
        EXPECT_FALSE(program.any_credential);
        ASSERT_THAT(program.procedures, SizeIs(version == 1 ? 7 : version == 2 ? 8 : 6));
        for (std::uint32_t number = 0; number < program.procedures.size(); ++number) {
            EXPECT_NE(program.procedures[number].invoke, nullptr);
            EXPECT_EQ(program.procedures[number].id.number, number);
        }
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

TEST_F(MountService, WhatMayBlockRunsOnAWorker) {
    for (const auto& program : services.programs())
        for (const auto& procedure : program.procedures)
            EXPECT_EQ(procedure.id.runs,
                      procedure.id.number == 0 ? rpc::Runs::promptly : rpc::Runs::on_worker);
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
    for (const auto* const path : {"/srv/out", "/srv/out/etc"})
        EXPECT_EQ(status(path), Status::access_denied) << path;
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

TEST_F(MountService, WhoCanNotBeToldApartIsLeftUnanswered) {
    export_all("/srv *.lab.example *(rw)");
    for (std::uint32_t version = 1; version <= 3; ++version) {
        auto asking = caller(version);
        asking.invoke(Mount::id.number, test::encoded(xdr::String<>{std::string_view{"/srv"}}));
        EXPECT_TRUE(asking.was_left_unanswered) << "no denial: later it may be allowed";
    }
    export_all("/srv *(rw)");
    auto asking = caller(3);
    asking.call<Mount>({std::string_view{"/srv"}});
    EXPECT_FALSE(asking.was_left_unanswered);
}

TEST_F(MountService, WhatRootOfAClientHasMountedItsUsersDoNotUnmount) {
    export_all("/srv *\n/srv/inner *(insecure)");
    auto root = caller(3);
    root.call<Mount>({std::string_view{"/srv"}});
    root.call<Mount>({std::string_view{"/srv/inner"}});
    auto user = caller(3);
    user.from = endpoint("192.0.2.7", 40000);
    user.call<Unmount>({std::string_view{"/srv"}});
    EXPECT_THAT(mounts.all(), SizeIs(2));
    user.call<UnmountAll>({});
    ASSERT_THAT(mounts.all(), SizeIs(1));
    EXPECT_EQ(mounts.all()[0].directory, "/srv");
    root.call<UnmountAll>({});
    EXPECT_THAT(mounts.all(), IsEmpty());
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
    auto old = caller(2);
    old.expect_no_prefix_taken<Mount1>({std::string_view{"/srv/open"}});
    old.expect_no_prefix_taken<Unmount>({std::string_view{"/srv/open"}});
    old.expect_no_prefix_taken<PathConfiguration>({std::string_view{"/srv/open"}});
}

TEST_F(MountService, AnUnmountOfMoreThanAPathIsGarbage) {
    auto asking = caller(3);
    const std::string longest(path_bytes_max, '/');
    asking.call<Unmount>({std::string_view{longest}});
    const auto longer = test::encoded(xdr::String<>{std::string_view{longest + "/"}});
    EXPECT_EQ(asking.invoke(Unmount::id.number, longer), rpc::Outcome::garbage_arguments);
}

}  // namespace
}  // namespace berth::mount
