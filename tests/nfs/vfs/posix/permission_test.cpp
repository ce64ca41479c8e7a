// Three different rules: what the owner may do whatever the mode says, what others may do, and what
// ACCESS answers.
#include <array>

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using Permissions = ExportedDirectory;

constexpr int everything = may_read | may_write | may_execute;

std::errc read_error(Node& node, const Caller& caller) {
    std::array<std::byte, 16> into{};
    return error_of(node.read(caller, 0, into));
}

std::errc write_error(Node& node, const Caller& caller) {
    return error_of(node.write(caller, 0, std::as_bytes(std::span("x", 1))));
}

TEST_F(Permissions, TheOwnerReadsAndWritesWhateverTheModeSays) {
    auto file = create(alice, "f", 0444);
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    EXPECT_EQ(write_error(*file, bob), denied);
    EXPECT_EQ(read_error(*file, bob), std::errc{});
    EXPECT_TRUE(file->set_attributes(alice, {.mode = 0}));
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    EXPECT_EQ(read_all(*file, alice), "x");
    EXPECT_TRUE(file->set_attributes(alice, {.size = 0}));
    EXPECT_EQ(read_error(*file, bob), denied);
    EXPECT_EQ(error_of(file->set_attributes(bob, {.size = 0})), denied);
    EXPECT_EQ(file->access(alice, everything).value(), 0);
}

TEST_F(Permissions, AfterARestartToo) {
    create(alice, "f", 0);
    open_again({});
    auto file = lookup("f");
    EXPECT_EQ(write_error(*file, bob), denied);
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    EXPECT_EQ(read_all(*file, alice), "x");
    EXPECT_EQ(read_error(*file, bob), denied);
}

TEST_F(Permissions, WhatMayBeExecutedMayBeRead) {
    auto file = create(alice, "f", 0711);
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    EXPECT_EQ(read_all(*file, bob), "x");
    EXPECT_EQ(file->access(bob, everything).value(), may_execute);
}

TEST_F(Permissions, RootMayEverythingButExecuteWhatNobodyMay) {
    auto file = create(alice, "f", 0);
    EXPECT_EQ(write_error(*file, root_caller), std::errc{});
    EXPECT_EQ(read_all(*file, root_caller), "x");
    EXPECT_EQ(file->access(root_caller, everything).value(), may_read | may_write);
    EXPECT_TRUE(file->set_attributes(alice, {.mode = 0001}));
    EXPECT_EQ(file->access(root_caller, everything).value(), everything);
}

TEST_F(Permissions, AccessAnswersOnlyWhatWasAsked) {
    auto file = create(alice, "f", 0777);
    EXPECT_EQ(file->access(bob, may_write).value(), may_write);
    EXPECT_EQ(file->access(bob, 0).value(), 0);
    EXPECT_EQ(file->access(not_waiting(bob), everything).value(), everything);
}

// Named users get their own entry, and what the mode shows for the group is then only a mask.
TEST_F(Permissions, AccessControlListsCount) {
    auto file = create(root_caller, "f", 0600);
    ASSERT_EQ(std::system(("setfacl -m u:1000:rw " + (local / "f")).c_str()), 0);
    EXPECT_EQ(file->access(alice, everything).value(), may_read | may_write);
    EXPECT_EQ(file->access(bob, everything).value(), 0);
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    EXPECT_EQ(read_all(*file, alice), "x");
    EXPECT_EQ(read_error(*file, bob), denied);
    EXPECT_EQ(write_error(*file, bob), denied);
}

TEST_F(Permissions, AccessGoesByModeWhereTheKernelCannotBeAsked) {
    create(alice, "mine", 0640);
    create(bob, "others", 0064);
    make_directory(bob, "d", 0700);
    const std::array<gid_t, 1> groups{1001};
    Caller member = alice;
    member.identity.groups = groups;
    in_child_process([&] {
        forbid_system_calls({SYS_faccessat2}, std::errc::operation_not_permitted);
        open_again({});
        EXPECT_NE(files->describe().find("faccessat2"), std::string::npos);
        EXPECT_EQ(lookup("mine")->access(alice, everything).value(), may_read | may_write);
        EXPECT_EQ(lookup("others")->access(alice, everything).value(), may_read);
        EXPECT_EQ(lookup("others")->access(member, everything).value(), may_read | may_write);
        EXPECT_EQ(lookup("others")->access(root_caller, everything).value(), may_read | may_write);
        EXPECT_EQ(lookup("d")->access(root_caller, everything).value(), everything);
        EXPECT_EQ(lookup("d")->access(alice, everything).value(), 0);
        EXPECT_EQ(error_of(lookup("d")->list(alice, 0, [](auto&) { return true; })), denied);
        EXPECT_TRUE(lookup("mine")->set_attributes(alice, {.mode = 0600}));
    });
}

TEST_F(Permissions, ChangingTheModeWorksWithoutTheNewSystemCall) {
    create(alice, "f", 0640);
    constexpr int fchmodat2 = 452;
    for (const auto answer :
         {std::errc::function_not_supported, std::errc::operation_not_permitted}) {
        in_child_process([&] {
            forbid_system_calls({fchmodat2}, answer);
            auto file = lookup("f");
            EXPECT_TRUE(file->set_attributes(alice, {.mode = 0604}));
            EXPECT_EQ(file->attributes(Patience::ample)->mode, 0604U);
            EXPECT_EQ(error_of(file->set_attributes(bob, {.mode = 0777})),
                      std::errc::operation_not_permitted);
        });
    }
}

// How the server has mounted it is no client's business: clients run programs from exports that the
// server may not run itself, as with the kernel's own server.
TEST_F(Permissions, TheServersOwnMountOptionsBindNoClient) {
    in_child_process([this] {
        have_own_mounts();
        const auto mounted = local / "mounted";
        boost::filesystem::create_directory(mounted);
        bind_mount(local.path(), mounted);
        ASSERT_EQ(::mount("", mounted.c_str(), nullptr,
                          MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NOSUID, nullptr),
                  0);
        files.reset();
        files = std::move(open(mounted).value());
        const std::array<gid_t, 1> groups{3000};
        Caller member = bob;
        member.identity.groups = groups;

        auto file = create(alice, "f", 0710);
        EXPECT_EQ(write_error(*file, alice), std::errc{});
        EXPECT_TRUE(file->set_attributes(root_caller, {.gid = 3000}));
        EXPECT_EQ(file->access(alice, everything).value(), everything);
        EXPECT_EQ(file->access(root_caller, everything).value(), everything);
        EXPECT_EQ(file->access(member, everything).value(), may_execute);
        EXPECT_EQ(read_all(*file, member), "x") << "what may be executed may be read";
        EXPECT_EQ(file->access(bob, everything).value(), 0);
        EXPECT_EQ(read_error(*file, bob), denied);
        EXPECT_TRUE(file->set_attributes(alice, {.mode = 0640}));
        EXPECT_EQ(file->access(root_caller, everything).value(), may_read | may_write);

        // Lists are heeded: who is named, which groups, and the mask over both.
        EXPECT_TRUE(file->set_attributes(alice, {.mode = 0700}));
        ASSERT_EQ(std::system(("setfacl -m u:1001:x " + (local / "f")).c_str()), 0);
        EXPECT_EQ(file->access(bob, everything).value(), may_execute);
        EXPECT_EQ(read_all(*file, bob), "x");
        ASSERT_EQ(std::system(("setfacl -m m::r " + (local / "f")).c_str()), 0);
        EXPECT_EQ(file->access(bob, everything).value(), 0);
        ASSERT_EQ(std::system(("setfacl -b -m g:3000:x,o::r " + (local / "f")).c_str()), 0);
        EXPECT_EQ(file->access(member, everything).value(), may_execute);
        EXPECT_EQ(file->access(bob, everything).value(), may_read);
        ASSERT_EQ(std::system(("setfacl -b -m g:3000:r,o::x " + (local / "f")).c_str()), 0);
        EXPECT_EQ(file->access(member, everything).value(), may_read);
        EXPECT_EQ(file->access(bob, everything).value(), may_execute);

        EXPECT_EQ(make_directory(alice, "d", 0711)->access(bob, everything).value(), may_execute);
        file.reset();
        files.reset();
    });
}

// Set while the file is open here, as it is from the first write on.
TEST_F(Permissions, WhatMayNotBeChangedAnyMoreIsNot) {
    TemporaryDirectory on_disk{"/var/tmp"};
    boost::filesystem::permissions(on_disk.path(), boost::filesystem::perms::all_all);
    files = std::move(open(on_disk.path()).value());
    const auto mark = [&](const char* change) {
        ASSERT_EQ(std::system(("chattr " + std::string{change} + " " + (on_disk / "f")).c_str()),
                  0);
    };
    auto file = create(alice, "f", 0644);
    EXPECT_EQ(write_error(*file, alice), std::errc{});
    for (const auto& [on, off] : {std::pair{"+i", "-i"}, {"+a", "-a"}}) {
        mark(on);
        for (const auto& caller : {alice, root_caller}) {
            EXPECT_EQ(write_error(*file, caller), not_permitted) << on;
            const auto now = file->attributes(Patience::ample).value();
            EXPECT_EQ(error_of(file->write(caller, 1, std::as_bytes(std::span("y", 1)), &now)),
                      not_permitted);
            EXPECT_EQ(error_of(file->set_attributes(caller, {.size = 0})), not_permitted) << on;
            EXPECT_EQ(error_of(file->set_attributes(caller, {.size = 100})), not_permitted) << on;
            EXPECT_EQ(error_of(file->set_attributes(caller, {.mode = 0600, .size = 0})),
                      not_permitted);
            EXPECT_EQ(error_of(root()->create(caller, "f", {.attributes = {.size = 0}})),
                      not_permitted);
        }
        EXPECT_EQ(read_all(*file, bob), "x");
        EXPECT_EQ(file->attributes(Patience::ample)->mode, 0644U);
        mark(off);
        EXPECT_EQ(write_error(*file, alice), std::errc{});
    }
    file.reset();
    files.reset();
}

}  // namespace
}  // namespace berth::vfs::posix
