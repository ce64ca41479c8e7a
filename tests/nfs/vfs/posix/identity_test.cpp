// Callers act as themselves: the kernel sees their user, group and groups, thread by thread.
#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/kept_identity.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using Identities = ExportedDirectory;

TEST_F(Identities, NewObjectsBelongToTheirMaker) {
    auto top = root();
    for (const Caller& caller : {alice, root_caller, bob, alice}) {
        const auto name = std::to_string(caller.identity.uid);
        static_cast<void>(top->create(caller, "f" + name, {}).value());
        EXPECT_EQ(local_status(local / ("f" + name)).st_uid, caller.identity.uid);
        EXPECT_EQ(local_status(local / ("f" + name)).st_gid, caller.identity.gid);
        static_cast<void>(top->make_directory(caller, "d" + name, {}));
        EXPECT_EQ(local_status(local / ("d" + name)).st_uid, caller.identity.uid);
        static_cast<void>(top->make_symbolic_link(caller, "l" + name, "t", {}));
        EXPECT_EQ(local_status(local / ("l" + name)).st_uid, caller.identity.uid);
    }
}

TEST_F(Identities, DirectoriesObeyTheirMode) {
    auto directory = make_directory(alice, "d", 0700);
    write_local(local / "d/f", "x");
    auto file = directory->lookup(alice, "f").value();
    EXPECT_EQ(error_of(directory->lookup(bob, "f")), denied);
    EXPECT_EQ(error_of(directory->lookup(bob, "..")), denied);
    EXPECT_EQ(error_of(directory->peek(bob, "f")), denied);
    EXPECT_EQ(error_of(directory->create(bob, "g", {})), denied);
    EXPECT_EQ(error_of(directory->make_directory(bob, "g", {})), denied);
    EXPECT_EQ(error_of(directory->make_symbolic_link(bob, "g", "t", {})), denied);
    EXPECT_EQ(error_of(directory->make_special(bob, "g", {})), denied);
    EXPECT_EQ(error_of(files->link(bob, *file, *directory, "g")), denied);
    EXPECT_EQ(error_of(directory->remove(bob, "f")), denied);
    EXPECT_EQ(error_of(directory->remove_directory(bob, "f")), denied);
    EXPECT_EQ(error_of(files->rename(bob, *directory, "f", *root(), "g")), denied);
    EXPECT_EQ(error_of(directory->list(bob, 0, [](auto&) { return true; })), denied);
    EXPECT_TRUE(directory->lookup(root_caller, "f"));
    EXPECT_TRUE(directory->list(root_caller, 0, [](auto&) { return true; }));
}

TEST_F(Identities, ADirectoryThatMayBeReadButNotSearched) {
    auto directory = make_directory(alice, "d", 0744);
    write_local(local / "d/f", "x");
    EXPECT_TRUE(directory->list(bob, 0, [](auto&) { return true; }));
    EXPECT_EQ(error_of(directory->lookup(bob, "f")), denied);
    auto other = make_directory(alice, "e", 0711);
    write_local(local / "e/f", "x");
    EXPECT_EQ(error_of(other->list(bob, 0, [](auto&) { return true; })), denied);
    EXPECT_TRUE(other->lookup(bob, "f"));
}

TEST_F(Identities, SupplementaryGroupsCount) {
    make_directory(root_caller, "d", 0770);
    EXPECT_EQ(::chown((local / "d").c_str(), 0, 3000), 0);
    const std::array<gid_t, 2> groups{2000, 3000};
    Caller member = alice;
    member.identity.groups = groups;
    auto directory = lookup("d");
    EXPECT_TRUE(directory->create(member, "f", {}));
    EXPECT_EQ(error_of(directory->create(alice, "g", {})), denied);
    EXPECT_EQ(directory->access(member, may_write | may_read).value(), may_write | may_read);
    EXPECT_EQ(directory->access(alice, may_write | may_read).value(), 0);
}

TEST_F(Identities, RootsGroupsAreNotLentToOthers) {
    make_directory(root_caller, "d", 0770);
    auto directory = lookup("d");
    EXPECT_EQ(error_of(directory->create(alice, "f", {})), denied);
    EXPECT_TRUE(directory->create(root_caller, "f", {}));
    EXPECT_EQ(error_of(directory->create(alice, "g", {})), denied);
}

TEST_F(Identities, ThreadsDoNotDisturbEachOther) {
    auto top = root();
    auto make_many = [&](const Caller& caller, const std::string& prefix) {
        for (int n = 0; n < 300; ++n) {
            const auto name = prefix + std::to_string(n);
            ASSERT_TRUE(top->create(caller, name, {}));
            ASSERT_TRUE(top->lookup(root_caller, name));
        }
    };
    {
        std::thread first{[&] { make_many(alice, "a"); }};
        std::thread second{[&] { make_many(bob, "b"); }};
        first.join();
        second.join();
    }
    for (int n = 0; n < 300; ++n) {
        EXPECT_EQ(local_status(local / ("a" + std::to_string(n))).st_uid, 1000U);
        EXPECT_EQ(local_status(local / ("b" + std::to_string(n))).st_uid, 1001U);
    }
}

// What /proc says of the calling thread: real, effective, saved and file-system id, or groups.
std::string identity_of_thread(const std::string& key) {
    std::ifstream status{"/proc/thread-self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
    return {};
}

TEST_F(Identities, TheThreadIsTheServerAfterEachOperation) {
    auto top = root();
    auto directory = make_directory(alice, "d", 0755);
    auto file = create(root_caller, "f", 0666);
    const auto is_server = [](const char* after) {
        EXPECT_EQ(identity_of_thread("Uid"), "0\t0\t0\t0") << after;
        EXPECT_EQ(identity_of_thread("Gid"), "0\t0\t0\t0") << after;
    };
    std::array<std::byte, 8> bytes{};
    EXPECT_TRUE(top->lookup(alice, "f"));
    is_server("lookup");
    EXPECT_FALSE(top->lookup(alice, "missing"));
    is_server("lookup of nothing");
    EXPECT_TRUE(directory->lookup(alice, ".."));
    is_server("lookup of the parent");
    EXPECT_TRUE(top->peek(alice, "f"));
    is_server("peek");
    EXPECT_TRUE(file->access(alice, may_read));
    is_server("access");
    EXPECT_TRUE(file->write(alice, 0, bytes));
    is_server("write");
    EXPECT_TRUE(file->read(alice, 0, bytes));
    is_server("read");
    EXPECT_TRUE(file->set_attributes(alice, {.size = 1}));
    is_server("set_attributes");
    EXPECT_TRUE(file->set_attributes(alice, {.modified = NewTime{}}));
    is_server("set_attributes of one time, which the server does");
    EXPECT_FALSE(file->set_attributes(alice, {.uid = 1000}));
    is_server("set_attributes that is refused");
    EXPECT_TRUE(file->open_locks(alice));
    is_server("open_locks");
    EXPECT_TRUE(top->list(alice, 0, [](auto&) { return true; }));
    is_server("list");
    EXPECT_TRUE(top->create(alice, "g", {.attributes = {.mode = 0600, .uid = 1, .size = 5}}));
    is_server("create");
    EXPECT_FALSE(top->create(alice, "g", {.mode = CreateMode::guarded}));
    is_server("create of what exists");
    EXPECT_TRUE(top->make_directory(alice, "e", {}));
    is_server("make_directory");
    EXPECT_TRUE(top->make_symbolic_link(alice, "s", "t", {}));
    is_server("make_symbolic_link");
    EXPECT_TRUE(top->make_special(alice, "p", {}));
    is_server("make_special");
    EXPECT_TRUE(files->link(alice, *lookup("g"), *top, "h"));
    is_server("link");
    EXPECT_TRUE(files->rename(alice, *top, "h", *directory, "h"));
    is_server("rename");
    EXPECT_TRUE(directory->remove(alice, "h"));
    is_server("remove");
    EXPECT_FALSE(directory->remove(alice, "h"));
    is_server("remove of nothing");
    EXPECT_TRUE(top->remove_directory(alice, "e"));
    is_server("remove_directory");
    EXPECT_TRUE(files->root(Patience::ample).value()->space(alice));
    is_server("space");
    EXPECT_TRUE(top->act_as(alice, [&] {
        EXPECT_EQ(identity_of_thread("Uid"), "0\t0\t0\t1000");
        EXPECT_TRUE(top->peek(alice, "f"));
        EXPECT_TRUE(directory->peek(alice, ".."));
        EXPECT_EQ(identity_of_thread("Uid"), "0\t0\t0\t1000") << "until the work is done";
    }));
    is_server("act_as");
}

TEST_F(Identities, ScopesNestAndGiveBackWhatTheyTook) {
    const Abilities all;
    const std::array<gid_t, 2> groups{2000, 3000};
    const auto is_acting = [](const char* uid, const char* gid, const char* in) {
        EXPECT_EQ(identity_of_thread("Uid"), uid);
        EXPECT_EQ(identity_of_thread("Gid"), gid);
        EXPECT_EQ(identity_of_thread("Groups"), in);
    };
    {
        const auto outer = Acting::as({.uid = 1000, .gid = 1001, .groups = groups}, all);
        ASSERT_TRUE(outer);
        is_acting("0\t0\t0\t1000", "0\t0\t0\t1001", "2000 3000 ");
        {
            const auto inner = Acting::as({.uid = 5, .gid = 6, .groups = {}}, all);
            ASSERT_TRUE(inner);
            is_acting("0\t0\t0\t5", "0\t0\t0\t6", " ");
            const auto server = Acting::as_server();
            ASSERT_TRUE(server);
            EXPECT_TRUE(is_server_acting());
        }
        is_acting("0\t0\t0\t1000", "0\t0\t0\t1001", "2000 3000 ");
    }
    EXPECT_TRUE(is_server_acting());
}

TEST_F(Identities, WhereFewIdsAreMappedGroupsAreGivenBackToo) {
    const Abilities few{
        .groups_matter = true,
        .mapped = {.users = MappedIds{"0 0 5000\n"}, .groups = MappedIds{"0 0 5000\n"}}};
    const std::array<gid_t, 1> groups{2000};
    ASSERT_TRUE(Acting::as({.uid = 1000, .gid = 1000, .groups = {}}, Abilities{}));
    const auto before = identity_of_thread("Groups");
    {
        const auto acting = Acting::as({.uid = 1000, .gid = 1000, .groups = groups}, few);
        ASSERT_TRUE(acting);
        EXPECT_EQ(identity_of_thread("Groups"), "2000 ");
    }
    EXPECT_EQ(identity_of_thread("Groups"), before);
    EXPECT_EQ(error_of(Acting::as({.uid = 5000, .gid = 1, .groups = {}}, few)),
              std::errc::operation_not_permitted);
}

TEST_F(Identities, AThreadThatKeepsItsIdentityStaysTheLastCallerUntilItGivesItBack) {
    const auto is_acting = [](const char* uid, const char* gid) {
        EXPECT_EQ(identity_of_thread("Uid"), uid);
        EXPECT_EQ(identity_of_thread("Gid"), gid);
    };
    const Abilities all;
    const auto act_as = [&](uid_t uid, gid_t gid) {
        EXPECT_TRUE(Acting::as({.uid = uid, .gid = gid, .groups = {}}, all));
    };
    keep_identity();
    act_as(1000, 1001);
    is_acting("0\t0\t0\t1000", "0\t0\t0\t1001");
    {
        const auto alice_again = Acting::as({.uid = 1000, .gid = 1001, .groups = {}}, all);
        ASSERT_TRUE(alice_again);
        drop_kept_identity();
        is_acting("0\t0\t0\t1000", "0\t0\t0\t1001");
        ASSERT_TRUE(Acting::as_server());
        is_acting("0\t0\t0\t1000", "0\t0\t0\t1001");
    }
    ASSERT_TRUE(Acting::as_server());
    is_acting("0\t0\t0\t0", "0\t0\t0\t0");
    EXPECT_TRUE(overrides_permissions());
    act_as(5, 6);
    EXPECT_FALSE(overrides_permissions());
    act_as(0, 0);
    is_acting("0\t0\t0\t0", "0\t0\t0\t0");
    act_as(5, 6);
    drop_kept_identity();
    EXPECT_TRUE(is_server_acting()) << "what is opened outside of scopes, the server opens";
    act_as(5, 6);
    give_identity_back();
    EXPECT_TRUE(is_server_acting());
    act_as(1000, 1001);
    EXPECT_TRUE(is_server_acting()) << "nothing is kept any more";
}

TEST_F(Identities, KeptGroupsAreGivenBackWhereTheyMatter) {
    const Abilities few{
        .groups_matter = true,
        .mapped = {.users = MappedIds{"0 0 5000\n"}, .groups = MappedIds{"0 0 5000\n"}}};
    const auto act_in = [&](gid_t group) {
        const std::array<gid_t, 1> groups{group};
        ASSERT_TRUE(Acting::as({.uid = 1000, .gid = 1000, .groups = groups}, few));
        EXPECT_EQ(identity_of_thread("Groups"), std::to_string(group) + " ");
    };
    const auto before = identity_of_thread("Groups");
    for (int turn = 0; turn < 2; ++turn) {
        keep_identity();
        act_in(2000);
        act_in(3000);
        give_identity_back();
        EXPECT_EQ(identity_of_thread("Groups"), before);
    }
}

// Operations do what they do for the server as the server, whoever was there before.
TEST_F(Identities, KeptIdentitiesAreNobodyElses) {
    auto hidden = make_directory(alice, "hidden", 0700);
    write_local(local / "hidden/f", "x");
    const auto id = hidden->lookup(alice, "f").value()->id();
    hidden.reset();
    open_again({.nodes_max = 1});
    auto top = root();
    keep_identity();
    EXPECT_EQ(error_of(top->create(bob, "hidden/g", {})), denied);
    EXPECT_TRUE(top->create(bob, "b", {}));
    EXPECT_TRUE(files->find(id, {}, Patience::ample))
        << "opened anew by its handle, in the server's name";
    EXPECT_EQ(error_of(top->lookup(alice, "hidden").value()->lookup(bob, "f")), denied);
    EXPECT_TRUE(top->lookup(bob, "hidden").value()->lookup(alice, "f"));
    EXPECT_TRUE(top->create(alice, "a", {}));
    give_identity_back();
    EXPECT_EQ(local_status(local / "a").st_uid, 1000U);
    EXPECT_EQ(local_status(local / "b").st_uid, 1001U);
}

TEST_F(Identities, AFailureHalfWayLeavesNothingBehind) {
    constexpr std::size_t too_many = 65537;  // NGROUPS_MAX and one
    const std::vector<gid_t> groups(too_many, 7);
    const auto failed = Acting::as({.uid = 1000, .gid = 1000, .groups = groups}, Abilities{});
    EXPECT_EQ(error_of(failed), std::errc::invalid_argument);
    EXPECT_TRUE(is_server_acting());
    in_child_process([] {
        // It may change to any group and to no user.
        forbid_system_calls({SYS_setfsuid}, std::errc::operation_not_permitted);
        std::thread{[] {
            EXPECT_FALSE(Acting::is_possible(MappedOwners{}));
            EXPECT_FALSE(Acting::as({.uid = 1000, .gid = 1000, .groups = {}}, Abilities{}));
            EXPECT_EQ(identity_of_thread("Gid"), "0\t0\t0\t0");
        }}.join();
    });
}

TEST_F(Identities, ASandboxThatForbidsToChangeIsLivedWith) {
    in_child_process([&] {
        forbid_system_calls({SYS_setfsuid, SYS_setfsgid}, std::errc::operation_not_permitted);
        std::thread{[&] {
            EXPECT_TRUE(is_server_acting());
            open_again({});
            EXPECT_TRUE(root()->create(alice, "f", {}));
        }}.join();
    });
    EXPECT_EQ(local_status(local / "f").st_uid, 0U);
}

TEST_F(Identities, EachTryToCreateIsTheCallers) {
    // An existing file that is gone when it is looked at, time and again, while others act.
    auto top = root();
    std::atomic<bool> stop{false};
    std::thread remover{[&] {
        while (!stop) boost::filesystem::remove((local / "f").c_str());
    }};
    for (int n = 0; n < 500; ++n) {
        const auto made = top->create(n % 2 == 0 ? alice : bob, "f", {});
        if (!made) continue;
        const auto now = (*made)->attributes(Patience::ample);
        EXPECT_NE(now ? now->uid : alice.identity.uid, 0U);
    }
    stop = true;
    remover.join();
}

TEST_F(Identities, WhatTheServerMakesAfterwardsIsItsOwn) {
    EXPECT_TRUE(root()->create(alice, "f", {}));
    write_local(local / "g", "");
    EXPECT_EQ(local_status(local / "g").st_uid, 0U);
    EXPECT_EQ(local_status(local / "g").st_gid, 0U);
}

TEST_F(Identities, AnIdThatTheKernelRefusesIsAnErrorNotRoot) {
    constexpr uid_t never = ~0U;
    const Caller nobody{.identity = {.uid = never, .gid = 1, .groups = {}},
                        .patience = Patience::ample};
    EXPECT_EQ(error_of(root()->create(nobody, "f", {})), std::errc::operation_not_permitted);
    const Caller groupless{.identity = {.uid = 1, .gid = never, .groups = {}},
                           .patience = Patience::ample};
    EXPECT_EQ(error_of(root()->create(groupless, "f", {})), std::errc::operation_not_permitted);
    EXPECT_TRUE(root()->create(alice, "f", {}));
    EXPECT_EQ(local_status(local / "f").st_uid, 1000U);
}

TEST_F(Identities, OnlyRootMakesDevices) {
    const SpecialFile device{.type = FileType::character_device, .device = {1, 3}};
    EXPECT_EQ(error_of(root()->make_special(alice, "n", device)),
              std::errc::operation_not_permitted);
    auto made = root()->make_special(root_caller, "n", device).value();
    const auto attributes = made->attributes(Patience::ample).value();
    EXPECT_EQ(attributes.type, FileType::character_device);
    EXPECT_EQ(attributes.device, (DeviceNumber{1, 3}));
}

TEST_F(Identities, WritingClearsSetIdsAsItDoesLocally) {
    auto file = create(alice, "f", 06777);
    const std::array<std::byte, 1> data{};
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 06777U);
    EXPECT_TRUE(file->write(root_caller, 0, data));
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 06777U);
    EXPECT_TRUE(file->write(bob, 0, data));
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0777U);
    EXPECT_TRUE(file->set_attributes(alice, {.mode = 06777}));
    EXPECT_TRUE(file->set_attributes(bob, {.size = 5}));
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0777U);
}

TEST_F(Identities, HardLinksAreProtectedAsForLocalUsers) {
    std::string protection = read_local("/proc/sys/fs/protected_hardlinks");
    auto file = create(root_caller, "f", 0600);
    in_child_process([&] {
        write_local("/proc/sys/fs/protected_hardlinks", "1");
        EXPECT_EQ(error_of(files->link(alice, *file, *root(), "g")),
                  std::errc::operation_not_permitted);
        EXPECT_TRUE(files->link(root_caller, *file, *root(), "h"));
    });
    write_local("/proc/sys/fs/protected_hardlinks", protection);
}

TEST_F(Identities, StickyDirectoriesKeepFilesForTheirOwners) {
    make_directory(root_caller, "d", 01777);
    auto directory = lookup("d");
    EXPECT_TRUE(directory->create(alice, "f", {}));
    const auto error = error_of(directory->remove(bob, "f"));
    EXPECT_EQ(error, std::errc::operation_not_permitted);
    EXPECT_TRUE(directory->remove(alice, "f"));
}

TEST_F(Identities, ResourceOverrideIsGone) {
    in_child_process([&] {
        drop_resource_override();
        const auto status = read_local("/proc/thread-self/status");
        const auto at = status.find("CapPrm:\t");
        const auto permitted = std::stoull(status.substr(at + 8, 16), nullptr, 16);
        EXPECT_EQ(permitted >> 24U & 1U, 0U);
        EXPECT_NE(permitted >> 21U & 1U, 0U) << "the others stay";
        open_again({});
        EXPECT_TRUE(root()->create(alice, "f", {}));
    });
}

}  // namespace
}  // namespace berth::vfs::posix
