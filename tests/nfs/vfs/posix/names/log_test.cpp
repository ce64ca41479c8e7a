// The journal of names: what it holds after every kind of end, and what it forgets.
#include "nfs/vfs/posix/names/log.hpp"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <thread>
#include <tuple>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/system/calls.hpp"
#include "tests/nfs/vfs/posix/names/opened_log.hpp"

namespace berth::vfs::posix {
namespace {

class NameLogTest : public OpenedLog {
protected:
    // The files as the disk has them when the machine ends: as they were when they were synced.
    void keep_what_is_synced(int descriptor) {
        const std::scoped_lock held{disk_lock};
        if (has_machine_ended) return;
        const std::string file = ReopenPath{descriptor}.text();
        const auto name = boost::filesystem::read_symlink(file).filename();
        const boost::filesystem::path disk = directory / "disk/names";
        boost::filesystem::create_directories(disk);
        boost::filesystem::copy_file(file, disk / name.stem() += ".open",
                                     boost::filesystem::copy_options::overwrite_existing);
    }
    void end_the_machine() {
        {
            const std::scoped_lock held{disk_lock};
            has_machine_ended = true;
        }
        log.reset();
        boost::filesystem::remove_all(directory / "names");
        boost::filesystem::rename(directory / "disk/names", directory / "names");
    }

    std::mutex disk_lock;
    bool has_machine_ended = false;
};

TEST_F(NameLogTest, KeepsAllNamesOfAnObjectThoseSeenLastFirst) {
    open();
    EXPECT_EQ(places_of(1), "nowhere");
    put(1, 0, "a");
    put(1, 0, "b");
    EXPECT_EQ(places_of(1), "0/b 0/a");
    put(1, 2, "b");
    erase(1, 0, "b");
    EXPECT_EQ(places_of(1), "2/b 0/a");
    erase(1, 0, "c");
    erase(1, 2, "b");
    EXPECT_EQ(places_of(1), "0/a");
    erase(1, 0, "a");
    EXPECT_EQ(places_of(1), "nowhere");
    put(1, 2, "b");
    EXPECT_EQ(places_of(1), "2/b") << "the same place again";
    EXPECT_EQ(log->size(), 1U);
}

TEST_F(NameLogTest, TreesKnowNothingOfEachOther) {
    open();
    put(1, 0, "a");
    log->put(8, id_of(1), id_of(0), "b");
    log->erase(8, id_of(1), id_of(0), "a");
    open();
    EXPECT_EQ(places_of(1), "0/a");
    EXPECT_EQ(places_of(1, 8), "0/b");
    EXPECT_EQ(places_of(1, 9), "nowhere");
}

TEST_F(NameLogTest, IsAtOnceToldWhatItKnows) {
    open();
    const auto told = [&](std::uint32_t above, const char* name) {
        return log->put_at_once(tree, id_of(1), id_of(above), name);
    };
    EXPECT_FALSE(told(0, "a"));
    EXPECT_EQ(places_of(1), "nowhere");
    put(1, 0, "a");
    EXPECT_TRUE(told(0, "a"));
    EXPECT_FALSE(told(0, "b"));
    EXPECT_FALSE(told(2, "a"));
    open();
    EXPECT_TRUE(told(0, "a")) << "after a restart too";
    erase(1, 0, "a");
    EXPECT_FALSE(told(0, "a"));
    EXPECT_EQ(places_of(1), "nowhere");
}

TEST_F(NameLogTest, IsNobodyElsesBusiness) {
    const auto mask = ::umask(0);
    const auto made =
        NameLog::open(directory / "state/names", {.start_thread = start_thread}).value();
    ::umask(mask);
    for (const auto* one : {"state", "state/names"})
        EXPECT_EQ(local_status(directory / one).st_mode & 0777U, 0700U) << one;
    for (const auto& file : boost::filesystem::directory_iterator{directory / "state/names"})
        EXPECT_EQ(local_status(file.path()).st_mode & 0777U, 0600U) << file.path();
}

TEST_F(NameLogTest, ARestartForgetsNothing) {
    for (std::uint32_t round = 0; round < 3; ++round) {
        open();
        for (std::uint32_t n = 0; n < round * 100; ++n)
            EXPECT_EQ(places_of(n), "7/" + std::to_string(n));
        for (std::uint32_t n = round * 100; n < (round + 1) * 100; ++n)
            put(n, 7, std::to_string(n));
    }
    open();
    erase(5, 7, "5");
    open();
    EXPECT_EQ(places_of(5), "nowhere");
    EXPECT_EQ(log->trouble(), std::nullopt);
    EXPECT_EQ(files().size(), 1U) << "and goes on in the same file";
}

// A kill at any moment, with the thread at work or not.
TEST_F(NameLogTest, NorDoesAKill) {
    for (std::uint32_t round = 1; round <= 10; ++round) {
        std::array<int, 2> told{};
        ASSERT_EQ(::pipe(told.data()), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            open({.file_bytes_min = 30'000});
            for (std::uint32_t n = 0;; ++n) {
                put(n, round, std::to_string(n));
                if (n > 0) erase(n, round - 1, std::to_string(n));
                if (::write(told[1], &n, sizeof n) != sizeof n) ::_exit(1);
            }
        }
        ::close(told[1]);
        std::uint32_t last = 0;
        const std::uint32_t enough = round * 1000;
        while (last < enough && ::read(told[0], &last, sizeof last) == sizeof last) {
        }
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        while (::read(told[0], &last, sizeof last) == sizeof last) {
        }
        ::close(told[0]);
        open();
        EXPECT_EQ(log->trouble(), std::nullopt);
        for (std::uint32_t n = 1; n <= last; ++n)
            ASSERT_NE(
                (places_of(n) + " ").find(std::to_string(round) + "/" + std::to_string(n) + " "),
                std::string::npos)
                << places_of(n);
        log.reset();
    }
}

TEST_F(NameLogTest, TheMachinesEndForgetsNothingThatWasSynchronized) {
    NameLogOptions options;
    options.synchronize = [&](int descriptor) -> Result<void> {
        keep_what_is_synced(descriptor);
        return {};
    };
    options.file_bytes_min = 2000;
    open(options);
    for (std::uint32_t n = 1; n <= 200; ++n) {
        put(n, 0, std::to_string(n));
        EXPECT_TRUE(log->synchronize());
        if (n % 50 == 0) {
            EXPECT_TRUE(log->finish());
        }
    }
    end_the_machine();
    open();
    for (std::uint32_t n = 1; n <= 200; ++n) EXPECT_EQ(places_of(n), "0/" + std::to_string(n));
}

TEST_F(NameLogTest, SynchronizingTwiceIsDoneOnceAndNotForWhatIsErased) {
    std::atomic<int> syncs = 0;
    NameLogOptions options;
    options.synchronize = [&](int) -> Result<void> {
        ++syncs;
        return {};
    };
    open(options);
    EXPECT_TRUE(log->finish());
    put(1, 0, "a");
    EXPECT_TRUE(log->synchronize());
    EXPECT_TRUE(log->finish());
    const auto before = syncs.load();
    EXPECT_TRUE(log->synchronize());
    EXPECT_TRUE(log->put_at_once(tree, id_of(1), id_of(0), "a"));
    EXPECT_TRUE(log->synchronize());
    EXPECT_EQ(syncs, before);
}

TEST_F(NameLogTest, ItsThreadGoesOnAfterALackOfMemory) {
    std::atomic<bool> is_short = true;
    std::atomic<int> calls = 0;
    NameLogOptions options;
    options.synchronize = [&](int) -> Result<void> {
        if (is_short && ++calls % 2 == 0) throw std::bad_alloc{};
        return {};
    };
    options.file_bytes_min = 500;
    open(options);
    for (std::uint32_t n = 1; n <= 200; ++n) put(n % 20 + 1, 0, std::to_string(n));
    while (calls < 6) std::ignore = log->finish();
    is_short = false;
    put(1, 0, "after");
    while (!log->finish()) continue;
    EXPECT_NE(log->trouble().value_or("").find("handles may be stale"), std::string::npos);
    EXPECT_NE(places_of(1).find("0/after"), std::string::npos);
}

TEST_F(NameLogTest, OneProcessAtATime) {
    open();
    EXPECT_EQ(error_of(NameLog::open(directory / "names", {})), std::errc::device_or_resource_busy);
}

TEST_F(NameLogTest, TheOldestAreForgottenButNotTheirWayDown) {
    constexpr std::uint32_t names_max = 100;
    open({.names_max = names_max, .file_bytes_min = 500});
    // 1 leads to 2, and that to all the others.
    put(1, 0, "top");
    put(2, 1, "directory");
    for (std::uint32_t n = 10; n < 1000; ++n) {
        put(n, 2, "name");
        if (n % 50 == 0) {
            EXPECT_TRUE(log->finish());
        }
    }
    EXPECT_TRUE(log->finish());
    EXPECT_LE(log->size(), names_max);
    EXPECT_EQ(places_of(999), "2/name");
    EXPECT_EQ(places_of(2), "1/directory");
    EXPECT_EQ(places_of(1), "0/top");
    EXPECT_EQ(places_of(10), "nowhere");
    put(10, 2, "name");
    EXPECT_EQ(places_of(10), "2/name") << "seen again";
    EXPECT_EQ(log->trouble(), std::nullopt);
}

TEST_F(NameLogTest, WhatIsFoundByHandleAloneStaysYoung) {
    open({.names_max = 100, .file_bytes_min = 500});
    put(1, 0, "in use");
    for (std::uint32_t n = 10; n < 1000; ++n) {
        put(n, 0, "name");
        if (n % 25 == 0) {
            EXPECT_TRUE(log->finish());
            EXPECT_EQ(places_of(1), "0/in use") << n;
        }
    }
}

TEST_F(NameLogTest, AHugeTreeLeavesTheOthersTheirShare) {
    open({.names_max = 200, .file_bytes_min = 500});
    for (std::uint32_t n = 1; n <= 50; ++n) {
        log->put(1, id_of(n), id_of(0), "small");
        log->put(2, id_of(n), id_of(0), "small");
    }
    for (std::uint32_t n = 1; n <= 1000; ++n) put(n, 0, "huge");
    EXPECT_TRUE(log->finish());
    EXPECT_LE(log->size(), 200U);
    for (std::uint32_t n = 1; n <= 50; ++n) {
        EXPECT_EQ(places_of(n, 1), "0/small");
        EXPECT_EQ(places_of(n, 2), "0/small");
    }
    EXPECT_EQ(places_of(1000), "0/huge");
    EXPECT_EQ(places_of(1), "nowhere");
}

TEST_F(NameLogTest, WhatCountsNoMoreDoesNotFillTheDisk) {
    constexpr std::uint64_t file_bytes = 100'000;
    open({.file_bytes_min = file_bytes});
    put(1, 0, "stays");
    for (std::uint32_t n = 2; n < 20'000; ++n) {
        put(n, 0, std::string(200, 'x'));
        erase(n, 0, std::string(200, 'x'));
        if (n % 1000 == 0) {
            EXPECT_TRUE(log->finish());
            EXPECT_LE(log->bytes_on_disk(), 8 * file_bytes) << n;
        }
    }
    EXPECT_EQ(places_of(1), "0/stays");
    open();
    EXPECT_EQ(places_of(1), "0/stays");
    EXPECT_EQ(log->size(), 1U);
}

TEST_F(NameLogTest, AgreesWithAModelWhateverIsDone) {
    const auto seed = std::random_device{}();
    RecordProperty("seed", static_cast<int>(seed));
    std::mt19937 random{seed};
    std::map<std::uint32_t, std::set<std::string>> model;
    open({.file_bytes_min = 3000});
    for (int step = 0; step < 20'000; ++step) {
        const auto number = static_cast<std::uint32_t>(1 + random() % 200);
        const auto name = std::to_string(random() % 4);
        switch (random() % 4) {
        case 0:
        case 1:
            put(number, 0, name);
            model[number].insert("0/" + name);
            break;
        case 2:
            erase(number, 0, name);
            model[number].erase("0/" + name);
            break;
        default: {
            std::set<std::string> found;
            for (const auto& place : log->find(tree, id_of(number)))
                found.insert("0/" + place.name);
            ASSERT_EQ(found, model[number]) << "seed " << seed << " step " << step;
        }
        }
        if (random() % 3000 == 0) open({.file_bytes_min = 3000});
        if (random() % 1000 == 0) {
            EXPECT_TRUE(log->finish());
        }
    }
}

TEST_F(NameLogTest, ManyThreadsAtOnce) {
    open({.file_bytes_min = 20'000});
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::uint32_t n = 0; n < 2000; ++n) {
                const auto number = t * 10'000 + n;
                put(number, t, "a");
                put(number, t, "b");
                erase(number, t, "a");
                if (n % 3 == 0) erase(number, t, "b");
                if (n % 100 == 0) {
                    EXPECT_TRUE(log->synchronize());
                }
                EXPECT_EQ(places_of(number), n % 3 == 0 ? "nowhere" : std::to_string(t) + "/b");
            }
        });
    threads.clear();
    EXPECT_EQ(places_of(30'001), "3/b");
}

TEST_F(NameLogTest, OneObjectHasSoManyNamesAndNoMore) {
    open();
    for (std::uint32_t n = 0; n < 2000; ++n) put(1, 0, std::to_string(n));
    const auto found = log->find(tree, id_of(1));
    EXPECT_EQ(found.size(), NameStore::names_per_object_max);
    EXPECT_EQ(found.front().name, "1999");
    EXPECT_EQ(log->size(), found.size());
}

}  // namespace
}  // namespace berth::vfs::posix
