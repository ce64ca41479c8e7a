// What the process and the file system around an export are like: full disks, read-only mounts, a
// missing /proc, few descriptors, ids that somebody made up.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/support/becomes_true.hpp"

namespace berth::vfs::posix {
namespace {

using Surroundings = ExportedDirectory;

// Writes until an error comes, and says which.
std::errc fill(Node& file, const Caller& caller) {
    const std::vector<std::byte> data(1 << 16);
    std::uint64_t offset = file.attributes(Patience::ample)->size;
    for (;;) {
        auto written = file.write(caller, offset, data);
        if (!written) return written.error();
        offset += *written;
    }
}

TEST_F(Surroundings, BlocksReservedForRootAreForRoot) {
    in_child_process([&] {
        have_own_mounts();
        drop_resource_override();
        const auto image = local / "image";
        const auto prepare = "truncate -s 32M " + image + " && mkfs.ext4 -q -m 50 " + image +
                             " && mkdir " + (local / "mounted") + " && mount -o loop " + image +
                             " " + (local / "mounted");
        ASSERT_EQ(std::system(prepare.c_str()), 0);
        auto exported = open(local / "mounted").value();
        auto top = exported->root().value();
        EXPECT_TRUE(top->set_attributes(root_caller, {.mode = 0777}));
        const auto before = exported->root(Patience::ample).value()->space(alice).value();
        EXPECT_LT(before.available_bytes, before.free_bytes);
        EXPECT_EQ(exported->root(Patience::ample).value()->space(root_caller)->available_bytes,
                  before.free_bytes);

        auto file = top->create(alice, "alices", {}).value();
        EXPECT_EQ(fill(*file, alice), std::errc::no_space_on_device);
        EXPECT_LT(exported->root(Patience::ample).value()->space(alice)->available_bytes, 1U << 20);
        EXPECT_GT(exported->root(Patience::ample).value()->space(root_caller)->available_bytes,
                  8U << 20);
        EXPECT_EQ(fill(*file, root_caller), std::errc::no_space_on_device);
        EXPECT_LT(exported->root(Patience::ample).value()->space(root_caller)->available_bytes,
                  1U << 20);
        EXPECT_TRUE(file->sync(Sync::all));
        EXPECT_TRUE(top->remove(alice, "alices"));
    });
}

// What an administrator moves out of an export is not reached through it any more, by whatever
// handle.
class MovedOut : public ExportedDirectory {
protected:
    MovedOut() {
        boost::filesystem::create_directory(local / "inside");
        ::chmod((local / "inside").c_str(), 0777);
        export_inside();
    }
    void export_inside(bool kernel_handles = true) {
        files.reset();
        files = open(local / "inside", {.kernel_handles = kernel_handles}).value();
    }
    bool becomes_stale(const ObjectId& id) {
        return berth::test::becomes_true(
            [&] { return error_of(files->find(id, Patience::ample)) == stale; });
    }
};

TEST_F(MovedOut, FilesGoStale) {
    for (const bool kernel_handles : {true, false}) {
        export_inside(kernel_handles);
        const auto id = create(root_caller, "f")->id();
        const auto other = create(root_caller, "other")->id();
        boost::filesystem::rename(local / "inside/f", local / "f");
        EXPECT_TRUE(becomes_stale(id));
        export_inside(kernel_handles);
        EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale)
            << "to a server that never saw it";
        if (kernel_handles) {
            EXPECT_TRUE(files->find(other, Patience::ample));
        }
    }
}

TEST_F(MovedOut, DirectoriesGoStaleWithAllThatIsInThem) {
    auto directory = make_directory(root_caller, "d");
    const auto directory_id = directory->id();
    const auto file_id = directory->create(root_caller, "f", {}).value()->id();
    directory.reset();
    boost::filesystem::rename(local / "inside/d", local / "d");
    EXPECT_TRUE(becomes_stale(directory_id));
    EXPECT_TRUE(becomes_stale(file_id));
}

TEST_F(MovedOut, WhatStaysInsideStays) {
    auto directory = make_directory(root_caller, "d");
    const auto moved = create(root_caller, "f")->id();
    const auto linked = create(root_caller, "g")->id();
    directory.reset();
    boost::filesystem::rename(local / "inside/f", local / "inside/d/f");
    boost::filesystem::create_hard_link(local / "inside/g", local / "g");
    boost::filesystem::rename(local / "inside", local / "renamed");
    // Long enough for a second look.
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1200};
    while (std::chrono::steady_clock::now() < end) {
        ASSERT_TRUE(files->find(moved, Patience::ample));
        ASSERT_TRUE(files->find(linked, Patience::ample));
        std::this_thread::yield();
    }
}

TEST_F(Surroundings, AReadOnlyMountIsReadOnly) {
    create(root_caller, "f", 0666);
    in_child_process([&] {
        have_own_mounts();
        bind_mount(local.path(), local.path());
        ASSERT_EQ(
            ::mount("", local.path().c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
            0);
        open_again({});
        constexpr auto read_only = std::errc::read_only_file_system;
        auto file = lookup("f");
        EXPECT_EQ(error_of(file->write(root_caller, 0, std::as_bytes(std::span("x", 1)))),
                  read_only);
        EXPECT_EQ(error_of(file->set_attributes(root_caller, {.mode = 0})), read_only);
        EXPECT_EQ(error_of(root()->create(root_caller, "g", {})), read_only);
        EXPECT_EQ(error_of(root()->remove(root_caller, "f")), read_only);
        EXPECT_EQ(file->access(root_caller, may_read | may_write).value(), may_read);
        EXPECT_EQ(read_all(*file, root_caller), "");
        EXPECT_TRUE(file->sync(Sync::all));
    });
}

TEST_F(Surroundings, WithoutProcTheReasonIsGiven) {
    in_child_process([&] {
        have_own_mounts();
        ASSERT_EQ(::mount("none", "/proc", "tmpfs", 0, nullptr), 0);
        auto opened = open(local.path());
        ASSERT_FALSE(opened);
        EXPECT_NE(opened.error().reason.find("/proc"), std::string::npos) << opened.error().reason;
    });
}

TEST_F(Surroundings, TheCacheFitsTheDescriptorsThereAre) {
    for (int n = 0; n < 300; ++n) write_local(local / std::to_string(n), "x");
    in_child_process([&] {
        const rlimit few{.rlim_cur = 256, .rlim_max = 256};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        open_again({});
        for (int n = 0; n < 300; ++n) {
            auto file = lookup(std::to_string(n));
            EXPECT_EQ(read_all(*file, root_caller), "x");
            EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span("x", 1))));
        }
        EXPECT_LE(files->nodes_cached(), 65U);
    });
}

TEST_F(Surroundings, RunningOutOfDescriptorsLeavesNothingHalfDone) {
    auto top = root();
    in_child_process([&] {
        std::vector<int> taken;
        for (int descriptor = ::dup(0); descriptor >= 0; descriptor = ::dup(0)) {
            taken.push_back(descriptor);
        }
        constexpr auto none_left = std::errc::too_many_files_open;
        EXPECT_EQ(error_of(top->create(root_caller, "f", {})), none_left);
        ::close(taken.back());
        const auto in_use = top->create(root_caller, "f", {});
        EXPECT_TRUE(in_use);
        EXPECT_EQ(error_of(top->make_directory(root_caller, "d", {})), none_left);
        EXPECT_EQ(error_of(top->make_special(root_caller, "p", {})), none_left);
        EXPECT_TRUE(top->remove(root_caller, "f"));
    });
    EXPECT_TRUE(boost::filesystem::is_empty(local.path()));
}

// Whatever takes a descriptor takes that of an object that nobody uses.
TEST_F(Surroundings, RunningOutOfDescriptorsClosesWhatNobodyUses) {
    constexpr int many = 60;
    for (int n = 0; n < many; ++n) write_local(local / std::to_string(n), "x");
    boost::filesystem::create_directory(local / "d");
    write_local(local / "d/below", "x");
    std::vector<ObjectId> ids;
    for (int n = 0; n < many; ++n) ids.push_back(lookup(std::to_string(n))->id());
    const auto top = root();
    in_child_process([&] {
        while (::dup(0) >= 0) {
        }
        ASSERT_EQ(errno, EMFILE);
        for (int n = 0; n < many; ++n) {
            const auto name = std::to_string(n);
            const auto file = top->lookup(root_caller, name);
            ASSERT_TRUE(file) << n;
            EXPECT_EQ(read_all(**file, root_caller), "x");
            EXPECT_TRUE((*file)->write(root_caller, 0, std::as_bytes(std::span("y", 1))));
            EXPECT_TRUE((*file)->open_locks(root_caller));
            EXPECT_TRUE(top->create(root_caller, "new" + name, {}));
            EXPECT_TRUE(top->create(root_caller, "whole" + name, {.attributes = {.mode = 0600}}));
            EXPECT_TRUE(top->make_directory(root_caller, "dir" + name, {}));
        }
        for (const auto& id : ids) EXPECT_TRUE(files->find(id, Patience::ample));
        const auto directory = top->lookup(root_caller, "d");
        ASSERT_TRUE(directory);
        EXPECT_TRUE((*directory)->list(root_caller, 0, [](const DirectoryEntry&) { return true; }));
        EXPECT_TRUE((*directory)->lookup(root_caller, ".."));
        EXPECT_TRUE((*directory)->sync(Sync::all));
        while (::dup(0) >= 0) {
        }
        // Closing may take time: those that may not wait are told so.
        EXPECT_EQ(error_of(top->lookup(not_waiting(root_caller), "5")), would_block);
    });
}

TEST_F(Surroundings, MadeUpIdsAreErrors) {
    std::mt19937 random{20};
    const auto real = create(root_caller, "f")->id();
    auto expect_error = [&](std::span<const std::byte> bytes) {
        const ObjectId id{bytes};
        if (id == real) return;
        auto found = files->find(id, Patience::ample);
        // What the kernel takes for another object's handle is for the handle's seal to refuse.
        if (found) {
            EXPECT_EQ((*found)->id(), id);
        }
    };
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> bytes(random() % (ObjectId::bytes_max + 1));
        std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
        if (!bytes.empty() && round % 2 == 0) bytes[0] = std::byte{1};
        expect_error(bytes);
        bytes.assign(real.bytes().begin(), real.bytes().end());
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1 + random() % 255);
        expect_error(bytes);
    }
}

TEST_F(Surroundings, SyncingNeedsNoDescriptorThatIsNotThere) {
    write_local(local / "f", "x");
    auto directory = make_directory(root_caller, "d");
    auto file = lookup("f");
    in_child_process([&] {
        std::vector<int> taken;
        for (int descriptor = ::dup(0); descriptor >= 0; descriptor = ::dup(0)) {
            taken.push_back(descriptor);
        }
        EXPECT_TRUE(directory->sync(Sync::all));
        EXPECT_TRUE(file->sync(Sync::all));
    });
}

// Whose attributes only a sync of everything makes durable; what they were made as is their
// directory's.
TEST_F(Surroundings, ChangedAttributesOfWhatCannotBeOpenedAreSynced) {
    auto link = root()->make_symbolic_link(root_caller, "l", "target", {}).value();
    auto fifo = root()->make_special(root_caller, "p", {.attributes = {.mode = 0644}}).value();
    in_child_process([&] {
        forbid_system_calls({SYS_syncfs}, std::errc::io_error);
        for (const auto& one : {link, fifo}) {
            EXPECT_TRUE(one->sync(Sync::all));
            ASSERT_TRUE(one->set_attributes(root_caller, {.uid = 1000}));
            EXPECT_EQ(error_of(one->sync(Sync::all)), std::errc::io_error);
            EXPECT_EQ(error_of(one->sync(Sync::all)), std::errc::io_error) << "still to be done";
        }
    });
    ASSERT_TRUE(link->set_attributes(root_caller, {.uid = 1000}));
    EXPECT_TRUE(link->sync(Sync::all));
}

}  // namespace
}  // namespace berth::vfs::posix
