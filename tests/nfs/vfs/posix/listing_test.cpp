// Listings are complete, continue where they stopped, and hold while others create and remove.
#include <array>
#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

// Lists in pieces of `piece` entries, each piece a call of its own as READDIR makes them.
std::map<std::string, int> list_all(Node& directory, std::size_t piece) {
    std::map<std::string, int> seen;
    std::uint64_t cookie = 0;
    for (;;) {
        std::size_t taken = 0;
        auto complete = directory.list(root_caller, cookie, [&](const DirectoryEntry& entry) {
            if (taken == piece) return false;
            ++taken;
            ++seen[std::string{entry.name}];
            cookie = entry.cookie;
            EXPECT_NE(cookie, 0U);
            EXPECT_LE(cookie, static_cast<std::uint64_t>(INT64_MAX));
            return true;
        });
        EXPECT_TRUE(complete);
        if (!complete || *complete) return seen;
    }
}

class Listings : public ::testing::TestWithParam<const char*> {
protected:
    Listings() : local(GetParam()) {
        files = open(local.path()).value();
        top = files->root().value();
    }
    void fill(int count) const {
        for (int n = 0; n < count; ++n) ::close(::creat((local / name_of(n)).c_str(), 0644));
    }
    static std::string name_of(int n) { return "entry " + std::to_string(n); }

    TemporaryDirectory local;
    std::unique_ptr<FileSystem> files;
    NodePtr top;
};
INSTANTIATE_TEST_SUITE_P(On, Listings, ::testing::Values("/tmp", "/dev/shm"),
                         [](const auto& on) { return on.index == 0 ? "Disk" : "Ram"; });

TEST_P(Listings, EveryEntryOnceInPiecesOfAnySize) {
    fill(1000);
    for (const std::size_t piece : {1U, 7U, 300U, 5000U}) {
        const auto seen = list_all(*top, piece);
        EXPECT_EQ(seen.size(), 1002U);
        for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
        EXPECT_TRUE(seen.contains("."));
        EXPECT_TRUE(seen.contains(".."));
    }
}

TEST_P(Listings, FileidsAreTheObjectsOwnAndTheRootHidesItsParent) {
    fill(5);
    auto below = top->make_directory(root_caller, "below", {}).value();
    const auto top_fileid = top->attributes(Patience::ample)->fileid;
    auto check = [&](Node& directory, const Node& parent) {
        auto complete = directory.list(root_caller, 0, [&](const DirectoryEntry& entry) {
            const auto listed = directory.peek(root_caller, entry.name).value();
            EXPECT_EQ(entry.fileid, listed.attributes.fileid) << entry.name;
            EXPECT_EQ(directory.lookup(root_caller, entry.name).value()->id(), listed.id);
            if (entry.name == "..") {
                EXPECT_EQ(entry.fileid, top_fileid);
                EXPECT_EQ(listed.id, parent.id());
            }
            return true;
        });
        EXPECT_TRUE(complete.value());
    };
    check(*top, *top);
    check(*below, *top);
}

// Those that stay are seen exactly once, whatever happens to the others meanwhile.
TEST_P(Listings, HoldWhileOthersCreateAndRemove) {
    constexpr int staying = 20'000;
    fill(staying);
    std::atomic<bool> done = false;
    std::atomic<int> changes = 0;
    std::thread local_process{[&] {
        for (int n = 0; !done; n = (n + 1) % 3000) {
            const auto name = local / ("passing " + std::to_string(n));
            ::close(::creat(name.c_str(), 0644));
            if (n % 3 != 0) ::unlink(name.c_str());
            if (n % 3 == 1) ::unlink((local / ("passing " + std::to_string(n - 1))).c_str());
            ++changes;
        }
    }};
    std::thread other_listing{[&] {
        while (!done) list_all(*top, 1000);
    }};
    do {
        for (const std::size_t piece : {50U, 333U}) {
            const auto seen = list_all(*top, piece);
            int found = 0;
            for (const auto& [name, times] : seen) {
                if (!name.starts_with("entry ")) continue;
                ++found;
                EXPECT_EQ(times, 1) << name;
            }
            EXPECT_EQ(found, staying);
        }
    } while (changes <= 100 && !HasFailure());
    done = true;
    local_process.join();
    other_listing.join();
}

TEST_P(Listings, RemovingWhileListingEmptiesTheDirectory) {
    fill(3000);
    std::uint64_t cookie = 0;
    for (bool complete = false; !complete;) {
        std::vector<std::string> names;
        complete = top->list(root_caller, cookie,
                             [&](const DirectoryEntry& entry) {
                                 if (names.size() == 100) return false;
                                 names.emplace_back(entry.name);
                                 cookie = entry.cookie;
                                 return true;
                             })
                       .value();
        for (const auto& name : names) {
            if (name.starts_with(".")) continue;
            EXPECT_TRUE(top->remove(root_caller, name));
        }
    }
    EXPECT_TRUE(boost::filesystem::is_empty(local.path()));
}

TEST_P(Listings, CookiesSurviveARestart) {
    fill(500);
    std::uint64_t cookie = 0;
    std::set<std::string> seen;
    auto take_up_to = [&](std::size_t most) {
        return [&, most](const DirectoryEntry& entry) {
            if (seen.size() == most) return false;
            EXPECT_TRUE(seen.emplace(entry.name).second) << entry.name;
            cookie = entry.cookie;
            return true;
        };
    };
    EXPECT_FALSE(top->list(root_caller, 0, take_up_to(200)).value());
    top.reset();
    files = open(local.path()).value();
    top = files->root().value();
    EXPECT_TRUE(top->list(root_caller, cookie, take_up_to(10'000)).value());
    EXPECT_EQ(seen.size(), 502U);
}

TEST_P(Listings, ImpossibleCookiesAreRefused) {
    const auto ignore = [](const DirectoryEntry&) { return true; };
    EXPECT_EQ(error_of(top->list(root_caller, 1ULL << 63, ignore)), std::errc::invalid_argument);
    EXPECT_EQ(error_of(top->list(root_caller, ~0ULL, ignore)), std::errc::invalid_argument);
}

TEST_P(Listings, KeepFewDescriptorsAndLetThemGo) {
    fill(200);
    const auto before = open_descriptors();
    std::vector<std::jthread> threads;
    for (int n = 0; n < 8; ++n) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) EXPECT_EQ(list_all(*top, 10).size(), 202U);
        });
    }
    threads.clear();
    EXPECT_LE(open_descriptors(), before + 2);
    top.reset();
    files->sweep();
    files->sweep();
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(Listings, PeekTellsWhatLookupFinds) {
    fill(3);
    boost::filesystem::create_symlink("nowhere", local / "link");
    for (const auto& name : {name_of(0), name_of(2), std::string{"link"}, std::string{"."}}) {
        const auto listed = top->peek(root_caller, name).value();
        auto found = top->lookup(root_caller, name).value();
        EXPECT_EQ(listed.id, found->id());
        EXPECT_EQ(listed.attributes, found->attributes(Patience::ample).value());
        EXPECT_EQ(top->peek(not_waiting(root_caller), name)->id, listed.id);
    }
    EXPECT_EQ(error_of(top->peek(root_caller, "nothing")), std::errc::no_such_file_or_directory);
}

// The two questions peek asks must be about one object even when the name changes hands in between.
TEST_P(Listings, PeekNeverMixesTwoObjects) {
    std::atomic<bool> done = false;
    ::close(::creat((local / "name").c_str(), 0644));
    std::thread replacing{[&] {
        while (!done) {
            ::close(::creat((local / "next").c_str(), 0644));
            ::rename((local / "next").c_str(), (local / "name").c_str());
        }
    }};
    for (int round = 0; round < 20'000; ++round) {
        const auto listed = top->peek(root_caller, "name");
        if (!listed) continue;
        if (auto node = files->find(listed->id, Patience::ample)) {
            if (auto now = (*node)->attributes(Patience::ample)) {
                ASSERT_EQ(now->fileid, listed->attributes.fileid);
            }
        }
    }
    done = true;
    replacing.join();
}

}  // namespace
}  // namespace berth::vfs::posix
