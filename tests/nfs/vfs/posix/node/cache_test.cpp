// The cache is bounded, keeps what is held, and lets go of what is gone.
#include <atomic>
#include <random>
#include <thread>

#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/support/allocations.hpp"

namespace berth::vfs::posix {
namespace {

using Cache = ExportedDirectory;

class TinyCache : public ExportedDirectory {
protected:
    TinyCache() : ExportedDirectory({.nodes_max = 4}) {
        for (int n = 0; n < 40; ++n) write_local(local / name_of(n), std::to_string(n));
    }
    static std::string name_of(int n) { return "f" + std::to_string(n); }
};

TEST_F(TinyCache, StaysSmallAndFindsEverythingAgain) {
    const auto descriptors = open_descriptors();
    std::vector<ObjectId> ids;
    for (int n = 0; n < 40; ++n) ids.push_back(lookup(name_of(n))->id());
    EXPECT_LE(files->nodes_cached(), 5U);
    for (std::size_t n = 0; n < ids.size(); ++n) {
        auto file = files->find(ids[n], Patience::ample).value();
        EXPECT_EQ(read_all(*file, root_caller), std::to_string(n));
    }
    EXPECT_LE(files->nodes_cached(), 5U);
    EXPECT_LE(open_descriptors(), descriptors + 12);
}

TEST_F(TinyCache, LackOfMemoryLeavesNoHalfEntry) {
    int next = 0;
    berth::test::fail_each_allocation([&] { lookup(name_of(next++ % 40)); },
                                      [&] {
                                          lookup(name_of(next % 40));
                                          EXPECT_LE(files->nodes_cached(), 5U);
                                      });
}

TEST_F(TinyCache, WhatIsHeldKeepsItsOneNode) {
    std::vector<NodePtr> held;
    for (int n = 0; n < 20; ++n) held.push_back(lookup(name_of(n)));
    for (int n = 20; n < 40; ++n) lookup(name_of(n));
    for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(lookup(name_of(n)), held[static_cast<std::size_t>(n)]);
        EXPECT_EQ(files->find(held[static_cast<std::size_t>(n)]->id(), Patience::none).value(),
                  held[static_cast<std::size_t>(n)]);
    }
    held.clear();
    for (int n = 0; n < 40; ++n) lookup(name_of(n));
    EXPECT_LE(files->nodes_cached(), 5U) << "shrinks again once they are let go";
}

TEST_F(TinyCache, ThoseUsedLatelyStay) {
    auto favourite = lookup(name_of(0))->id();
    for (int n = 1; n < 40; ++n) {
        EXPECT_TRUE(files->find(favourite, Patience::none)) << n;
        lookup(name_of(n));
    }
}

TEST_F(TinyCache, AWrittenFileIsNotClosedByWhoMayNotWait) {
    std::vector<NodePtr> written{root()};
    for (int n = 0; n < 10; ++n) {
        written.push_back(lookup(name_of(n)));
        EXPECT_TRUE(written.back()->write(root_caller, 0, std::as_bytes(std::span("x", 1))));
    }
    auto top = root();
    written.clear();
    EXPECT_EQ(error_of(top->lookup(not_waiting(root_caller), name_of(39))), would_block);
    files->sweep();
    files->sweep();
    EXPECT_TRUE(root()->lookup(not_waiting(root_caller), name_of(39)));
}

TEST_F(TinyCache, ManyThreadsAgreeOnOneNodePerObject) {
    std::atomic<int> differing = 0;
    auto work = [&](unsigned seed) {
        std::mt19937 random{seed};
        for (int round = 0; round < 2000; ++round) {
            const auto name = name_of(static_cast<int>(random() % 40));
            auto first = root()->lookup(root_caller, name).value();
            auto second = files->find(first->id(), Patience::none);
            if (!second || *second != first) ++differing;
            if (random() % 8 == 0) files->sweep();
            if (random() % 4 == 0) {
                static_cast<void>(first->write(root_caller, 0, std::as_bytes(std::span("x", 1))));
            }
        }
    };
    {
        std::thread one{work, 1};
        std::thread two{work, 2};
        std::thread three{work, 3};
        one.join();
        two.join();
        three.join();
    }
    EXPECT_EQ(differing, 0);
}

TEST_F(Cache, LetsGoOfDescriptorsWithTheTree) {
    files.reset();
    const auto before = open_descriptors();
    open_again({});
    auto file = create(alice, "f");
    EXPECT_TRUE(file->write(alice, 0, std::as_bytes(std::span("x", 1))));
    EXPECT_TRUE(root()->list(alice, 0, [](auto&) { return true; }));
    EXPECT_TRUE(root()->sync(Sync::all));
    file.reset();
    files.reset();
    EXPECT_EQ(open_descriptors(), before);
}

// --- deleted objects
// ------------------------------------------------------------------------------

std::uint64_t free_bytes(const std::string& path) {
    struct statvfs figures {};
    ::statvfs(path.c_str(), &figures);
    return figures.f_bfree * figures.f_frsize;
}

class DeletedFiles : public ::testing::Test {
protected:
    DeletedFiles() : local("/dev/shm") {
        files = std::move(open(local.path()).value());
        top = files->root().value();
        file = top->create(root_caller, "big", {}).value();
        const std::vector<std::byte> data(8 << 20);
        EXPECT_EQ(file->write(root_caller, 0, data).value(), data.size());
        free_before = free_bytes(local.path());
    }
    void expect_space_is_freed() const {
        EXPECT_GE(free_bytes(local.path()), free_before + (7 << 20));
    }

    TemporaryDirectory local;
    std::unique_ptr<FileSystem> files;
    NodePtr top;
    NodePtr file;
    std::uint64_t free_before = 0;
};

TEST_F(DeletedFiles, RemovedByACallerFreeTheirSpaceAtOnce) {
    const ObjectId id = file->id();
    file.reset();
    EXPECT_TRUE(top->remove(root_caller, "big"));
    expect_space_is_freed();
    EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale);
}

TEST_F(DeletedFiles, ReplacedByARenameFreeTheirSpaceAtOnce) {
    file.reset();
    static_cast<void>(top->create(root_caller, "small", {}).value());
    EXPECT_TRUE(files->rename(root_caller, *top, "small", *top, "big"));
    expect_space_is_freed();
}

TEST_F(DeletedFiles, RemovedLocallyFreeTheirSpaceWhenAskedFor) {
    boost::filesystem::remove(local / "big");
    EXPECT_EQ(error_of(file->attributes(Patience::ample)), stale);
    file.reset();
    expect_space_is_freed();
}

TEST_F(DeletedFiles, RemovedLocallyFreeTheirSpaceInTheNextSweep) {
    file.reset();
    boost::filesystem::remove(local / "big");
    files->sweep();
    expect_space_is_freed();
}

TEST_F(DeletedFiles, AnswerStaleToEverything) {
    boost::filesystem::remove(local / "big");
    std::array<std::byte, 4> bytes{};
    EXPECT_EQ(error_of(file->read(root_caller, 0, bytes)), stale);
    EXPECT_EQ(error_of(file->write(root_caller, 0, bytes)), stale);
    EXPECT_EQ(error_of(file->access(root_caller, may_read)), stale);
    EXPECT_EQ(error_of(file->set_attributes(root_caller, {.mode = 0})), stale);
    EXPECT_EQ(error_of(files->link(root_caller, *file, *top, "again")), stale);
}

TEST_F(DeletedFiles, DirectoriesToo) {
    auto directory = top->make_directory(root_caller, "d", {}).value();
    boost::filesystem::remove(local / "d");
    EXPECT_EQ(error_of(directory->attributes(Patience::ample)), stale);
    EXPECT_EQ(error_of(directory->lookup(root_caller, "x")), stale);
    EXPECT_EQ(error_of(directory->peek(root_caller, "x")), stale);
    EXPECT_EQ(error_of(directory->create(root_caller, "x", {})), stale);
    EXPECT_EQ(error_of(directory->make_directory(root_caller, "x", {})), stale);
    EXPECT_EQ(error_of(directory->remove(root_caller, "x")), stale);
    EXPECT_EQ(error_of(files->rename(root_caller, *directory, "x", *top, "y")), stale);
    EXPECT_EQ(error_of(files->rename(root_caller, *top, "big", *directory, "y")), stale);
    EXPECT_EQ(error_of(directory->list(root_caller, 0, [](auto&) { return true; })), stale);
}

TEST_F(DeletedFiles, OneNameLeftIsAlive) {
    EXPECT_TRUE(files->link(root_caller, *file, *top, "other"));
    EXPECT_EQ(file->attributes(Patience::ample)->links, 2U);
    EXPECT_TRUE(top->remove(root_caller, "big"));
    EXPECT_EQ(file->attributes(Patience::ample)->links, 1U);
    EXPECT_EQ(top->lookup(root_caller, "other").value(), file);
}

TEST_F(DeletedFiles, TheRootToo) {
    boost::filesystem::remove_all(local.path());
    EXPECT_EQ(error_of(files->root()), stale);
    EXPECT_EQ(error_of(top->attributes(Patience::ample)), stale);
}

// --- the sweep
// ------------------------------------------------------------------------------------

TEST_F(Cache, AProgramJustCopiedHereCanBeRun) {
    auto file = create(root_caller, "program", 0755);
    const std::string script = read_local("/bin/true");
    EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span(script))));
    const std::string run = local / "program";
    file.reset();
    files->sweep();
    files->sweep();
    EXPECT_EQ(std::system(run.c_str()), 0);
}

TEST_F(Cache, AFileJustCreatedGoesOnAfterTheSweep) {
    const auto top = root();
    const auto descriptors = open_descriptors();
    const auto id = create(root_caller, "f")->id();
    EXPECT_EQ(open_descriptors(), descriptors + 1) << "held and written through one";
    files->sweep();
    files->sweep();
    auto file = files->find(id, Patience::none).value();
    EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span("x", 1))));
    EXPECT_EQ(read_all(*file, root_caller), "x");
    EXPECT_EQ(open_descriptors(), descriptors + 2);
    file.reset();
    files->sweep();
    files->sweep();
    EXPECT_EQ(open_descriptors(), descriptors + 1);
    EXPECT_TRUE(top->remove(root_caller, "f"));
    EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_F(Cache, ASweepLeavesWhatIsInUse) {
    auto file = create(root_caller, "f");
    files->sweep();
    files->sweep();
    EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span("x", 1))));
    EXPECT_EQ(lookup("f"), file);
}

TEST_F(Cache, TreesShareWhatMayBeOpen) {
    const TemporaryDirectory elsewhere;
    for (int n = 0; n < 100; ++n) {
        write_local(local / std::to_string(n), "x");
        write_local(elsewhere / std::to_string(n), "x");
    }
    const auto shared = make_open_files(160);
    open_again({.open_files = shared});
    auto other = open(elsewhere.path(), {.open_files = shared}).value();
    const auto all = [&] { return files->nodes_cached() + other->nodes_cached(); };
    for (int n = 0; n < 100; ++n)
        ASSERT_TRUE(files->root().value()->lookup(root_caller, std::to_string(n)));
    EXPECT_GE(files->nodes_cached(), 35U);
    // The other one is not left with what the first has left over.
    for (int n = 0; n < 100; ++n) {
        ASSERT_TRUE(other->root().value()->lookup(root_caller, std::to_string(n)));
        ASSERT_LE(all(), 42U);
    }
    EXPECT_GE(other->nodes_cached(), 15U);
    EXPECT_GE(files->nodes_cached(), 5U);
    // What one that is gone had is the other's.
    other.reset();
    for (int n = 0; n < 100; ++n)
        ASSERT_TRUE(files->root().value()->lookup(root_caller, std::to_string(n)));
    EXPECT_GE(files->nodes_cached(), 35U);
}

TEST_F(Cache, TreesThatGoWhileOthersNeedRoomAreWaitedFor) {
    const TemporaryDirectory elsewhere;
    for (int n = 0; n < 50; ++n) {
        write_local(local / std::to_string(n), "x");
        write_local(elsewhere / std::to_string(n), "x");
    }
    const auto shared = make_open_files(80);
    open_again({.open_files = shared});
    std::atomic<bool> done{false};
    std::thread busy{[&] {
        for (int n = 0; !done; n = (n + 1) % 50)
            EXPECT_TRUE(files->root().value()->lookup(root_caller, std::to_string(n)));
    }};
    for (int turn = 0; turn < 30; ++turn) {
        auto other = open(elsewhere.path(), {.open_files = shared}).value();
        for (int n = 0; n < 50; ++n)
            EXPECT_TRUE(other->root().value()->lookup(root_caller, std::to_string(n)));
    }
    done = true;
    busy.join();
    EXPECT_LE(files->nodes_cached(), 25U);
}

TEST_F(DeletedFiles, EvictedByWhoMayNotWaitFreeTheirSpaceInTheNextSweep) {
    for (int n = 0; n < 20; ++n) write_local(local / std::to_string(n), "x");
    top.reset();
    file.reset();
    files = std::move(open(local.path(), {.nodes_max = 8}).value());
    top = files->root().value();
    EXPECT_EQ(read_all(*top->lookup(root_caller, "big").value(), root_caller).size(), 65536U);
    boost::filesystem::remove(local / "big");
    int found = 0;
    for (int n = 0; n < 20; ++n)
        found += top->lookup(not_waiting(root_caller), std::to_string(n)).has_value();
    EXPECT_GT(found, 6) << "more than there was room for";
    EXPECT_LT(found, 20) << "not more than may wait to be closed";
    EXPECT_LT(free_bytes(local.path()), free_before + (7 << 20));
    files->sweep();
    expect_space_is_freed();
}

}  // namespace
}  // namespace berth::vfs::posix
