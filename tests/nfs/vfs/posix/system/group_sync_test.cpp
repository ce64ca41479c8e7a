// Concurrent syncs of one object share the work, and its outcome.
#include "nfs/vfs/posix/system/group_sync.hpp"

#include <atomic>
#include <latch>
#include <new>
#include <semaphore>
#include <thread>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

// Work that a test watches and lets go on.
struct WatchedWork {
    GroupSync::Work work = [this](Sync what) -> Result<void> {
        rounds.push_back(what);
        begun.release();
        go_on.acquire();
        return outcome;
    };
    std::vector<Sync> rounds;
    std::counting_semaphore<> begun{0};
    std::counting_semaphore<> go_on{0};
    Result<void> outcome{};
};

class GroupSyncs : public ::testing::Test {
protected:
    void start(Sync what) {
        threads.emplace_back([this, what] {
            if (!group.run(what, watched.work)) ++failures;
        });
    }
    void wait_until_waiting(std::size_t count) const {
        while (group.waiting() != count) std::this_thread::yield();
    }

    GroupSync group;
    WatchedWork watched;
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
};

TEST_F(GroupSyncs, ThoseWhoComeMeanwhileShareTheNextRound) {
    start(Sync::data);
    watched.begun.acquire();
    for (int n = 0; n < 5; ++n) start(n == 3 ? Sync::all : Sync::data);
    wait_until_waiting(5);
    watched.go_on.release(2);
    threads.clear();
    EXPECT_EQ(watched.rounds, (std::vector{Sync::data, Sync::all}));
    EXPECT_EQ(failures, 0);
}

TEST_F(GroupSyncs, AFailureIsEverybodysWhoSharedIt) {
    start(Sync::data);
    watched.begun.acquire();
    for (int n = 0; n < 4; ++n) start(Sync::data);
    wait_until_waiting(4);
    watched.go_on.release();
    watched.begun.acquire();
    EXPECT_EQ(failures, 0);
    watched.outcome = std::errc::io_error;
    watched.go_on.release();
    threads.clear();
    EXPECT_EQ(failures, 4);
    EXPECT_EQ(watched.rounds.size(), 2U);
}

TEST_F(GroupSyncs, OneAfterTheOtherEachGetsItsOwn) {
    watched.go_on.release(2);
    EXPECT_TRUE(group.run(Sync::data, watched.work));
    EXPECT_TRUE(group.run(Sync::data, watched.work));
    EXPECT_EQ(watched.rounds.size(), 2U);
}

TEST_F(GroupSyncs, WithoutMemoryTheyFailAndTheNextGoOn) {
    const GroupSync::Work fails = [](Sync) -> Result<void> { throw std::bad_alloc{}; };
    EXPECT_EQ(error_of(group.run(Sync::data, fails)), std::errc::not_enough_memory);
    watched.go_on.release();
    EXPECT_TRUE(group.run(Sync::data, watched.work));
}

class Syncing : public ExportedDirectory {
protected:
    Syncing() { open_again(counting()); }

    Options counting() {
        Options options;
        options.synchronize = [this](int descriptor, Sync what) -> Result<void> {
            EXPECT_GE(descriptor, 0);
            ++(what == Sync::data ? data_syncs : full_syncs);
            return outcome;
        };
        return options;
    }

    std::atomic<int> data_syncs = 0;
    std::atomic<int> full_syncs = 0;
    Result<void> outcome{};
};

TEST_F(Syncing, FilesAndDirectoriesAreSynced) {
    auto file = create(alice, "f");
    EXPECT_TRUE(file->sync(Sync::data));
    EXPECT_EQ(data_syncs, 1);
    EXPECT_TRUE(file->sync(Sync::all));
    EXPECT_TRUE(root()->sync(Sync::all));
    EXPECT_EQ(full_syncs, 2);
}

TEST_F(Syncing, AFileNeverOpenedHereIsSyncedToo) {
    write_local(local / "f", "x");
    EXPECT_TRUE(lookup("f")->sync(Sync::data));
    EXPECT_EQ(data_syncs, 1);
}

TEST_F(Syncing, ObjectsWithoutContentsNeedNone) {
    EXPECT_TRUE(root()->make_special(alice, "fifo", {}).value()->sync(Sync::all));
    EXPECT_TRUE(root()->make_symbolic_link(alice, "l", "t", {}).value()->sync(Sync::all));
    EXPECT_EQ(data_syncs + full_syncs, 0);
}

TEST_F(Syncing, AFailureIsALossCountedOnce) {
    auto file = create(alice, "f");
    const auto before = files->losses();
    EXPECT_TRUE(file->sync(Sync::data));
    EXPECT_EQ(files->losses(), before);
    for (const auto error : {std::errc::io_error, std::errc::no_space_on_device}) {
        outcome = error;
        EXPECT_EQ(error_of(file->sync(Sync::data)), error);
    }
    EXPECT_EQ(files->losses(), before + 2);
}

TEST_F(Syncing, ForRealAfterARealWrite) {
    open_again({});
    auto file = create(alice, "f");
    EXPECT_TRUE(file->write(alice, 0, std::as_bytes(std::span("x", 1))));
    EXPECT_TRUE(file->sync(Sync::data));
    EXPECT_TRUE(file->sync(Sync::all));
    EXPECT_TRUE(root()->sync(Sync::all));
    EXPECT_EQ(files->losses(), 0U);
}

}  // namespace
}  // namespace berth::vfs::posix
