// Nothing outside the exported tree is ever reached, whatever is put in the way.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

class Confinement : public ExportedDirectory {
protected:
    Confinement() { write_local(outside / "secret", "secret"); }

    TemporaryDirectory outside;
};

std::errc lookup_error(Node& directory, std::string_view name) {
    return error_of(directory.lookup(root_caller, name));
}

TEST_F(Confinement, NamesThatCouldLeadElsewhereAreRefusedByEveryCall) {
    make_directory(root_caller, "d");
    write_local(local / "f", "x");
    auto top = root();
    auto file = lookup("f");
    using namespace std::string_view_literals;
    for (const std::string_view name : {"d/../.."sv, "/etc"sv, "../x"sv, "a\0b"sv, ""sv}) {
        EXPECT_EQ(lookup_error(*top, name), denied);
        EXPECT_EQ(error_of(top->peek(root_caller, name)), denied);
        EXPECT_EQ(error_of(top->create(root_caller, name, {})), denied);
        EXPECT_EQ(error_of(top->make_directory(root_caller, name, {})), denied);
        EXPECT_EQ(error_of(top->make_symbolic_link(root_caller, name, "t", {})), denied);
        EXPECT_EQ(error_of(top->make_special(root_caller, name, {})), denied);
        EXPECT_EQ(error_of(files->link(root_caller, *file, *top, name)), denied);
        EXPECT_EQ(error_of(top->remove(root_caller, name)), denied);
        EXPECT_EQ(error_of(top->remove_directory(root_caller, name)), denied);
        EXPECT_EQ(error_of(files->rename(root_caller, *top, name, *top, "ok")), denied);
        EXPECT_EQ(error_of(files->rename(root_caller, *top, "f", *top, name)), denied);
    }
    EXPECT_EQ(lookup_error(*top, std::string(256, 'n')), std::errc::filename_too_long);
}

TEST_F(Confinement, TheParentOfTheRootIsTheRoot) {
    auto top = root();
    EXPECT_EQ(top->lookup(root_caller, "..").value(), top);
    EXPECT_EQ(top->peek(root_caller, "..")->id, top->id());
    EXPECT_EQ(top->peek(root_caller, "..")->attributes.fileid,
              top->attributes(Patience::ample)->fileid);
}

TEST_F(Confinement, TheParentOfASubdirectoryIsFound) {
    make_directory(root_caller, "a");
    auto below = lookup("a")->make_directory(root_caller, "b", {}).value();
    EXPECT_EQ(below->lookup(root_caller, "..").value(), lookup("a"));
    EXPECT_EQ(lookup("a")->lookup(root_caller, "..").value(), root());
    EXPECT_EQ(below->peek(root_caller, "..")->id, lookup("a")->id());
}

TEST_F(Confinement, ADirectoryMovedOutDoesNotShowItsNewSurroundings) {
    make_directory(root_caller, "a");
    auto below = lookup("a")->make_directory(root_caller, "b", {}).value();
    auto moved = lookup("a");
    boost::filesystem::rename(local / "a", outside / "a");
    EXPECT_EQ(lookup_error(*moved, ".."), stale);
    EXPECT_EQ(error_of(moved->peek(root_caller, "..")), stale);
    // Its own parent is still the one it had, but that is outside now.
    EXPECT_EQ(lookup_error(*below, ".."), stale);
    const ObjectId id = moved->id();
    moved.reset();
    below.reset();
    open_again({});
    EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale);
}

TEST_F(Confinement, SymbolicLinksAreFoundThemselves) {
    boost::filesystem::create_symlink(outside.path(), local / "link");
    auto link = lookup("link");
    EXPECT_EQ(link->attributes(Patience::ample)->type, FileType::symbolic_link);
    EXPECT_EQ(link->read_link(root_caller).value(), outside.path());
    EXPECT_EQ(lookup_error(*link, "secret"), std::errc::not_a_directory);
    EXPECT_EQ(error_of(link->list(root_caller, 0, [](auto&) { return true; })),
              std::errc::not_a_directory);
    EXPECT_EQ(root()->peek(root_caller, "link")->attributes.type, FileType::symbolic_link);
    // Creating through it would make a file at its target.
    boost::filesystem::create_symlink(outside / "made", local / "dangling");
    EXPECT_EQ(root()->create(root_caller, "dangling", {}).value(), lookup("dangling"));
    EXPECT_FALSE(boost::filesystem::exists(outside / "made"));
}

TEST_F(Confinement, ASymbolicLinkSwappedInNeverLeadsOut) {
    make_directory(root_caller, "d");
    write_local(local / "d/secret", "inside");
    boost::filesystem::create_directory_symlink(outside.path(), local / "other");
    std::atomic<bool> done = false;
    std::thread swapper{[&] {
        const auto first = local / "d";
        const auto second = local / "other";
        while (!done) {
            ::syscall(SYS_renameat2, AT_FDCWD, first.c_str(), AT_FDCWD, second.c_str(),
                      RENAME_EXCHANGE);
        }
    }};
    auto top = root();
    int reached = 0;
    // However the threads come to run, both must have been seen.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (int round = 0; round < 3000 || (reached == 0 && std::chrono::steady_clock::now() < end);
         ++round) {
        auto directory = top->lookup(root_caller, "d");
        ASSERT_TRUE(directory);
        auto file = (*directory)->lookup(root_caller, "secret");
        if (!file) {
            EXPECT_EQ(file.error(), std::errc::not_a_directory);
            continue;
        }
        ++reached;
        ASSERT_EQ(read_all(**file, root_caller), "inside");
    }
    done = true;
    swapper.join();
    EXPECT_GT(reached, 0);
}

void expect_mounts_are_closed(FileSystem& files) {
    auto top = files.root().value();
    for (const char* name : {"mounted", "mounted_file"}) {
        EXPECT_EQ(lookup_error(*top, name), std::errc::permission_denied) << name;
        EXPECT_EQ(error_of(top->peek(root_caller, name)), std::errc::permission_denied) << name;
        EXPECT_NE(error_of(top->remove(root_caller, name)), std::errc{}) << name;
        EXPECT_NE(error_of(files.rename(root_caller, *top, name, *top, "taken")), std::errc{})
            << name;
        EXPECT_EQ(error_of(top->create(root_caller, name, {.attributes = {.size = 0}})),
                  std::errc::permission_denied)
            << name;
    }
    EXPECT_NE(error_of(top->remove_directory(root_caller, "mounted")), std::errc{});
    auto beside = top->lookup(root_caller, "beside").value();
    EXPECT_NE(error_of(files.rename(root_caller, *beside, "f", *top, "mounted_file")), std::errc{});
}

class ConfinementToOneMount : public Confinement {
protected:
    ConfinementToOneMount() {
        make_directory(root_caller, "mounted");
        make_directory(root_caller, "beside");
        create(root_caller, "mounted_file");
        write_local(local / "beside/f", "x");
    }
    void mount_things() {
        have_own_mounts();
        bind_mount(outside.path(), local / "mounted");
        bind_mount(outside / "secret", local / "mounted_file");
    }
};

TEST_F(ConfinementToOneMount, MountsInTheTreeAreNotEntered) {
    in_child_process([&] {
        mount_things();
        open_again({});
        expect_mounts_are_closed(*files);
    });
    EXPECT_EQ(read_local(outside / "secret"), "secret");
}

TEST_F(ConfinementToOneMount, NorWithoutKernelHandles) {
    in_child_process([&] {
        mount_things();
        open_again({.kernel_handles = false});
        expect_mounts_are_closed(*files);
    });
}

TEST_F(ConfinementToOneMount, NorWhereTheKernelLacksConfinedOpening) {
    for (const auto answer :
         {std::errc::function_not_supported, std::errc::operation_not_permitted}) {
        in_child_process([&] {
            mount_things();
            forbid_system_calls({SYS_openat2}, answer);
            open_again({});
            expect_mounts_are_closed(*files);
            EXPECT_EQ(lookup("beside")->lookup(root_caller, "..").value(), root());
            EXPECT_EQ(read_all(*lookup("beside")->lookup(root_caller, "f").value(), root_caller),
                      "x");
            EXPECT_EQ(error_of(root()->lookup(not_waiting(root_caller), "beside")), would_block);
        });
    }
}

TEST_F(ConfinementToOneMount, NorWhenTheSameFileSystemIsMountedBelowItself) {
    in_child_process([&] {
        have_own_mounts();
        bind_mount(local / "beside", local / "mounted");
        bind_mount(local / "beside/f", local / "mounted_file");
        open_again({});
        expect_mounts_are_closed(*files);
    });
}

TEST_F(ConfinementToOneMount, WhatIsMountedIsExportedWhenItIsTheRoot) {
    in_child_process([&] {
        mount_things();
        auto opened = open(local / "mounted");
        ASSERT_TRUE(opened) << opened.error().reason;
        auto top = (*opened)->root().value();
        EXPECT_EQ(read_all(*top->lookup(root_caller, "secret").value(), root_caller), "secret");
        EXPECT_EQ(top->lookup(root_caller, "..").value(), top);
    });
}

}  // namespace
}  // namespace berth::vfs::posix
