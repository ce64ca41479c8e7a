// What only the tree in memory promises; what every file system does is in ../conformance.
#include "nfs/vfs/memory.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/bytes.hpp"
#include "tests/nfs/vfs/trees.hpp"

namespace berth::vfs::memory {
namespace {

using test::alice;
using test::as_bytes;
using test::outcome_of;
using test::root_user;
using test::success;

constexpr std::uint64_t block_bytes = 4096;

TEST(MemoryTree, TheNthBlockDoesNotFit) {
    const auto files = make({.capacity_bytes = 3 * block_bytes});
    auto file = files->root().value()->create(root_user, "f", {}).value();
    const std::string text(2 * block_bytes, 'x');
    EXPECT_EQ(file->write(root_user, 0, as_bytes(text)).value(), 2 * block_bytes);
    EXPECT_EQ(file->write(root_user, 2 * block_bytes, as_bytes(text)).value(), block_bytes)
        << "as far as fits";
    EXPECT_EQ(outcome_of(file->write(root_user, 3 * block_bytes, as_bytes(text))),
              std::errc::no_space_on_device);
    EXPECT_EQ(file->attributes(Patience::ample)->size, 3 * block_bytes);
    EXPECT_EQ(files->root(Patience::ample).value()->space(root_user)->free_bytes, 0U);
    EXPECT_TRUE(file->set_attributes(root_user, {.size = std::uint64_t{1} << 40}))
        << "holes are free";

    EXPECT_TRUE(files->root().value()->remove(root_user, "f"));
    EXPECT_EQ(files->root(Patience::ample).value()->space(root_user)->free_bytes, 3 * block_bytes)
        << "though it is still pinned";
}

TEST(MemoryTree, TheNthFileDoesNotFit) {
    const auto files = make({.capacity_files = 3});
    auto root = files->root().value();
    EXPECT_TRUE(root->create(root_user, "a", {}));
    EXPECT_TRUE(root->make_directory(root_user, "b", {}));
    EXPECT_EQ(files->root(Patience::ample).value()->space(root_user)->free_files, 0U);
    const auto links = root->attributes(Patience::ample)->links;
    EXPECT_EQ(outcome_of(root->create(root_user, "c", {})), std::errc::no_space_on_device);
    EXPECT_EQ(outcome_of(root->make_directory(root_user, "c", {})), std::errc::no_space_on_device);
    EXPECT_EQ(root->attributes(Patience::ample)->links, links);
    EXPECT_EQ(outcome_of(root->lookup(root_user, "c")), std::errc::no_such_file_or_directory);
    EXPECT_TRUE(root->remove(root_user, "a"));
    EXPECT_TRUE(root->make_symbolic_link(root_user, "c", "t", {}));
    EXPECT_THROW(make({.capacity_files = 0}), std::invalid_argument);
}

TEST(MemoryTree, TheNthLinkIsTooMany) {
    const auto files = make({.links_max = 3});
    auto root = files->root().value();
    EXPECT_EQ(files->limits().links_max, 3U);
    auto file = root->create(root_user, "f", {}).value();
    EXPECT_TRUE(files->link(root_user, *file, *root, "f2"));
    EXPECT_TRUE(files->link(root_user, *file, *root, "f3"));
    EXPECT_EQ(outcome_of(files->link(root_user, *file, *root, "f4")), std::errc::too_many_links);

    auto directory = root->make_directory(root_user, "d", {}).value();
    EXPECT_EQ(outcome_of(root->make_directory(root_user, "e", {})), std::errc::too_many_links);
    EXPECT_TRUE(directory->make_directory(root_user, "e", {}));
    EXPECT_EQ(outcome_of(files->rename(root_user, *directory, "e", *root, "e")),
              std::errc::too_many_links);
}

TEST(MemoryTree, EveryChangeHasALaterTimeOfItsOwn) {
    Time clock{100, 999'999'998};
    const auto files = make({.clock = [&clock] { return clock; }});
    auto root = files->root().value();
    EXPECT_EQ(root->attributes(Patience::ample)->changed, (Time{100, 999'999'998}));
    EXPECT_TRUE(root->set_attributes(root_user, {.mode = 0755}));
    EXPECT_EQ(root->attributes(Patience::ample)->changed, (Time{100, 999'999'999}));
    EXPECT_TRUE(root->set_attributes(root_user, {.mode = 0755}));
    EXPECT_EQ(root->attributes(Patience::ample)->changed, (Time{101, 0}));
    clock = {50, 0};
    auto file = root->create(root_user, "f", {}).value();
    EXPECT_EQ(file->attributes(Patience::ample)->changed, (Time{101, 1})) << "never back";
    EXPECT_EQ(root->attributes(Patience::ample)->modified, (Time{101, 1}));
    clock = {200, 7};
    EXPECT_TRUE(file->write(root_user, 0, as_bytes("x")));
    EXPECT_EQ(file->attributes(Patience::ample)->modified, (Time{200, 7}));
    EXPECT_EQ(file->attributes(Patience::ample)->changed, (Time{200, 7}));
}

TEST(MemoryTree, TheMachinesClockIsTheDefault) {
    const auto before = static_cast<std::int64_t>(::time(nullptr));
    const auto made = make()->root().value()->attributes(Patience::ample)->changed;
    EXPECT_GE(made.seconds, before);
    EXPECT_LE(made.seconds, static_cast<std::int64_t>(::time(nullptr)));
}

TEST(MemoryTree, ReadingMovesTheTimeOfAccessOncePerChange) {
    const auto files = make();
    auto file = files->root().value()->create(root_user, "f", {}).value();
    EXPECT_TRUE(file->write(root_user, 0, as_bytes("x")));
    const auto accessed = [&] { return file->attributes(Patience::ample)->accessed; };
    std::array<std::byte, 1> into{};
    const auto unread = accessed();
    EXPECT_TRUE(file->read(root_user, 0, into));
    const auto first = accessed();
    EXPECT_GT(first, unread);
    EXPECT_TRUE(file->read(root_user, 0, into));
    EXPECT_EQ(accessed(), first);
    EXPECT_TRUE(file->write(root_user, 0, as_bytes("y")));
    EXPECT_TRUE(file->read(root_user, 0, into));
    EXPECT_GT(accessed(), first);
}

TEST(MemoryTree, IsTheSameOnEveryRun) {
    const auto ids = [] {
        const auto files = make();
        auto root = files->root().value();
        std::vector<ObjectId> found{root->id()};
        for (const auto* name : {"a", "b"})
            found.push_back(root->create(root_user, name, {})->get()->id());
        return found;
    };
    EXPECT_EQ(ids(), ids());
}

TEST(MemoryTree, IdsOfAnotherGenerationAreStale) {
    const auto earlier = make({.generation = 1});
    const auto later = make({.generation = 2});
    EXPECT_EQ(outcome_of(later->find(earlier->root().value()->id(), Patience::ample)), stale);
    EXPECT_EQ(outcome_of(later->find(later->root().value()->id(), Patience::none)), success);
    for (const std::size_t size : {0U, 1U, 15U, 17U, 42U}) {
        const std::vector<std::byte> bytes(size);
        EXPECT_EQ(outcome_of(later->find(ObjectId{bytes}, Patience::ample)),
                  std::errc::invalid_argument);
    }
}

TEST(MemoryTree, InodeNumbersAreNeverUsedAgain) {
    const auto files = make();
    auto root = files->root().value();
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 100; ++i) {
        auto file = root->create(root_user, "f", {}).value();
        EXPECT_TRUE(seen.insert(file->attributes(Patience::ample)->fileid).second);
        EXPECT_NE(file->attributes(Patience::ample)->fileid, 0U);
        const auto id = file->id();
        EXPECT_TRUE(root->remove(root_user, "f"));
        EXPECT_EQ(outcome_of(files->find(id, Patience::ample)), stale);
    }
}

TEST(MemoryTree, LinksAreProtectedIfAsked) {
    for (const bool protects : {false, true}) {
        const auto files = make({.protect_hard_links = protects});
        auto root = files->root().value();
        const auto file = [&](const char* name, std::uint32_t mode) {
            return root->create(root_user, name, {.attributes = {.mode = mode}}).value();
        };
        const test::Outcome refused = protects ? std::errc::operation_not_permitted : success.error;
        EXPECT_EQ(outcome_of(files->link(alice, *file("readable", 0644), *root, "1")), refused);
        EXPECT_EQ(outcome_of(files->link(alice, *file("open", 0666), *root, "2")), success);
        EXPECT_EQ(outcome_of(files->link(alice, *file("set-user-id", 04666), *root, "3")), refused);
        EXPECT_EQ(outcome_of(files->link(alice, *file("set-group-id", 02676), *root, "4")),
                  refused);
        EXPECT_EQ(outcome_of(files->link(root_user, *file("own", 04600), *root, "5")), success);
        auto fifo = root->make_special(root_user, "fifo", {.attributes = {.mode = 0666}}).value();
        EXPECT_EQ(outcome_of(files->link(alice, *fifo, *root, "6")), refused);
    }
}

/// Writers, readers, listers and movers at once; what must hold afterwards is checked, and the
/// sanitizers watch.
TEST(MemoryTree, ManyThreadsAtOnce) {
    const auto files = make();
    auto root = files->root().value();
    auto there = root->make_directory(root_user, "there", {}).value();
    constexpr int rounds = 300;
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id) {
        threads.emplace_back([&, name = "f" + std::to_string(id)] {
            std::array<std::byte, 100> buffer{};
            for (int round = 0; round < rounds; ++round) {
                auto file = root->create(root_user, name, {}).value();
                EXPECT_TRUE(file->write(root_user, 50, buffer));
                EXPECT_TRUE(file->read(root_user, 0, buffer));
                EXPECT_TRUE(files->rename(root_user, *root, name, *there, name));
                EXPECT_TRUE(there->list(root_user, 0, [&](const DirectoryEntry& entry) {
                    // The tree may be used from within a listing.
                    static_cast<void>(there->peek(root_user, entry.name));
                    return true;
                }));
                EXPECT_TRUE(there->remove(root_user, name));
                EXPECT_FALSE(file->attributes(Patience::ample));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(files->root(Patience::ample).value()->space(root_user)->free_bytes,
              files->root(Patience::ample).value()->space(root_user)->total_bytes);
    EXPECT_EQ(files->root(Patience::ample).value()->space(root_user)->free_files + 2,
              files->root(Patience::ample).value()->space(root_user)->total_files);
    EXPECT_EQ(there->attributes(Patience::ample)->links, 2U);
}

}  // namespace
}  // namespace berth::vfs::memory
