// The tree in memory when memory ends in the middle of a change: it is as it was, and its accounts
// agree with what is in it.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/memory/contents.hpp"
#include "tests/nfs/vfs/bytes.hpp"
#include "tests/nfs/vfs/trees.hpp"
#include "tests/support/allocations.hpp"

namespace berth::vfs::memory {
namespace {

using test::as_bytes;
using test::outcome_of;
using test::root_user;

constexpr auto enoent = std::errc::no_such_file_or_directory;

class MemoryTreeWithoutMemory : public testing::Test {
protected:
    [[nodiscard]] std::uint64_t free_files() const {
        return root->space(root_user).value().free_files;
    }
    [[nodiscard]] std::uint32_t links_of_root() const {
        return root->attributes(Patience::ample).value().links;
    }
    /// Each time an allocation of `change` fails, `check` looks at what was to be left alone.
    template <class Change, class Check>
    void expect_all_or_nothing(Change change, Check check) {
        bool is_done = false;
        berth::test::fail_each_allocation(
            [&] {
                is_done = false;
                is_done = change().has_value();
            },
            [&] {
                if (!is_done) check();
            });
        EXPECT_TRUE(is_done);
    }

    std::shared_ptr<FileSystem> files = make({.capacity_bytes = 1 << 20, .capacity_files = 100});
    NodePtr root = files->root().value();
    std::string name = std::string(100, 'n');
};

TEST_F(MemoryTreeWithoutMemory, NothingIsMade) {
    const auto none = [&, files_before = free_files(), links_before = links_of_root()] {
        EXPECT_EQ(free_files(), files_before);
        EXPECT_EQ(links_of_root(), links_before);
        EXPECT_EQ(outcome_of(root->lookup(root_user, name)), enoent);
    };
    expect_all_or_nothing([&] { return root->make_directory(root_user, name, {}); }, none);
    EXPECT_TRUE(root->remove_directory(root_user, name));
    none();
    expect_all_or_nothing([&] { return root->create(root_user, name, {}); }, none);
    EXPECT_TRUE(root->remove(root_user, name));
    none();
    expect_all_or_nothing([&] { return root->make_symbolic_link(root_user, name, name, {}); },
                          none);
    EXPECT_TRUE(root->remove(root_user, name));
    none();
}

TEST_F(MemoryTreeWithoutMemory, NothingIsLinkedOrMoved) {
    const auto file = root->create(root_user, "file", {}).value();
    const auto other = root->make_directory(root_user, "other", {}).value();
    const auto where_it_was = [&] {
        EXPECT_TRUE(root->lookup(root_user, "file"));
        EXPECT_EQ(file->attributes(Patience::ample)->links, 1U);
        EXPECT_EQ(outcome_of(other->lookup(root_user, name)), enoent);
    };
    expect_all_or_nothing([&] { return files->link(root_user, *file, *other, name); },
                          where_it_was);
    EXPECT_TRUE(other->remove(root_user, name));
    expect_all_or_nothing([&] { return files->rename(root_user, *root, "file", *other, name); },
                          where_it_was);
    EXPECT_EQ(outcome_of(root->lookup(root_user, "file")), enoent);
    EXPECT_TRUE(other->lookup(root_user, name));
}

TEST(MemoryContentsWithoutMemory, NothingIsWrittenBehindTheEnd) {
    constexpr auto block = Contents::block_bytes;
    const std::string text(3 * block, 'x');
    std::optional<Capacity> budget;
    std::optional<Contents> contents;
    berth::test::fail_each_allocation(
        [&] {
            budget.emplace(10 * block);
            contents.emplace();
            contents->write(0, as_bytes(text), *budget);
        },
        [&] {
            EXPECT_EQ(budget->total() - budget->left(), contents->used());
            EXPECT_EQ(contents->size(), contents->used());
        });
}

}  // namespace
}  // namespace berth::vfs::memory
