// What is withheld is reached by no way that a client has.
#include "nfs/vfs/withheld.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/vfs/nested.hpp"
#include "tests/nfs/vfs/posix/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// An export with a state directory of the server's in it: in/state/key, in/state/deep/file.
class WithheldTest : public ExportedDirectory {
protected:
    WithheldTest() {
        std::filesystem::create_directories(local / "in/state/deep");
        write_local(local / "in/state/key", "secret");
        write_local(local / "in/state/deep/file", "secret");
    }
    void withhold() {
        const std::vector<std::filesystem::path> paths{local / "in/state", local / "in/state/key",
                                                       local / "in/missing"};
        options.withheld = std::make_shared<const Withheld>(paths);
        open_again(options);
    }
    NodePtr in() { return lookup("in"); }

    Options options;
};

constexpr auto denied = std::errc::permission_denied;

TEST_F(WithheldTest, NamesAreListedAndLeadNowhere) {
    withhold();
    EXPECT_EQ(error_of(in()->lookup(root_caller, "state")), denied);
    EXPECT_EQ(error_of(in()->lookup(not_waiting(root_caller), "state")), denied);
    EXPECT_EQ(error_of(in()->peek(root_caller, "state")), denied);
    EXPECT_EQ(error_of(in()->create(root_caller, "state", {})), denied);
    std::vector<std::string> names;
    EXPECT_TRUE(in()->list(root_caller, 0, [&](const DirectoryEntry& entry) {
        names.emplace_back(entry.name);
        return true;
    }));
    EXPECT_THAT(names, Contains("state"));
    EXPECT_TRUE(in()->lookup(root_caller, "..")) << "what is beside it is served as ever";
}

TEST_F(WithheldTest, OtherNamesOfTheSameLeadNowhere) {
    std::filesystem::create_hard_link(local / "in/state/key", local / "hard link");
    withhold();
    EXPECT_EQ(error_of(root()->lookup(root_caller, "hard link")), denied);
    EXPECT_EQ(error_of(root()->peek(root_caller, "hard link")), denied);
    std::filesystem::rename(local / "in/state", local / "moved");
    EXPECT_EQ(error_of(root()->lookup(root_caller, "moved")), denied);
    EXPECT_EQ(read_local(local / "hard link"), "secret");
}

TEST_F(WithheldTest, NamesCannotBeTakenAwayOrReplaced) {
    write_local(local / "file", "client's");
    std::filesystem::create_directory(local / "empty");
    std::filesystem::create_directory(local / "beside");
    withhold();
    EXPECT_EQ(error_of(in()->rename(root_caller, "state", *root(), "taken")), denied);
    EXPECT_EQ(error_of(root()->rename(root_caller, "empty", *in(), "state")), denied);
    EXPECT_EQ(error_of(root()->rename(root_caller, "file", *in(), "state")), denied);
    EXPECT_EQ(error_of(in()->remove_directory(root_caller, "state")), denied);
    EXPECT_EQ(error_of(in()->remove(root_caller, "state")), denied);
    EXPECT_EQ(read_local(local / "in/state/key"), "secret");
    // Others can.
    EXPECT_TRUE(root()->rename(root_caller, "empty", *in(), "renamed"));
    EXPECT_TRUE(root()->remove(root_caller, "file"));
    EXPECT_TRUE(root()->remove_directory(root_caller, "beside"));
}

// Whoever could, would put a directory of his own where the server writes.
TEST_F(WithheldTest, WhatItLiesInIsNotMovedEither) {
    std::filesystem::create_directory(local / "beside");
    std::filesystem::permissions(local / "in/state", std::filesystem::perms::owner_all);
    withhold();
    for (const auto& caller : {root_caller, alice})
        EXPECT_EQ(error_of(root()->rename(caller, "in", *root(), "taken")), denied);
    EXPECT_EQ(error_of(root()->rename(root_caller, "in", *lookup("beside"), "in")), denied);
    EXPECT_TRUE(std::filesystem::exists(local / "in/state/key"));
    EXPECT_TRUE(root()->rename(root_caller, "beside", *root(), "moved")) << "what is beside it is";
}

TEST_F(WithheldTest, HandlesOfBeforeAreStale) {
    auto state = in()->lookup(root_caller, "state").value();
    auto deep = state->lookup(root_caller, "deep").value();
    const std::vector ids{state->id(), state->lookup(root_caller, "key").value()->id(), deep->id(),
                          deep->lookup(root_caller, "file").value()->id()};
    state.reset();
    deep.reset();
    withhold();
    for (const auto& each : ids) EXPECT_EQ(error_of(files->find(each, Wait::yes)), stale);
}

TEST_F(WithheldTest, HandlesOfBeforeAreStaleInAJournalToo) {
    options.kernel_handles = false;
    const TemporaryDirectory journal;
    options.journal = journal_in(journal / "names");
    open_again(options);
    auto state = in()->lookup(root_caller, "state").value();
    auto deep = state->lookup(root_caller, "deep").value();
    const std::vector ids{state->id(), state->lookup(root_caller, "key").value()->id(), deep->id()};
    state.reset();
    deep.reset();
    withhold();
    for (const auto& each : ids) EXPECT_NE(error_of(files->find(each, Wait::yes)), std::errc{});
    EXPECT_EQ(error_of(in()->lookup(root_caller, "state")), denied);
}

TEST_F(WithheldTest, IsNoExportNorIsWhatLiesInIt) {
    withhold();
    std::filesystem::create_directory_symlink(local / "in/state", local / "link");
    for (const auto* path : {"in/state", "in/state/deep", "link", "link/deep"}) {
        const auto refused = open(local / path, options);
        ASSERT_FALSE(refused) << path;
        EXPECT_EQ(refused.error().code, std::errc::operation_not_permitted);
        EXPECT_THAT(refused.error().reason, HasSubstr("state directory"));
    }
    EXPECT_TRUE(open(local / "in", options));
}

TEST_F(WithheldTest, BindMountsHideNothing) {
    std::filesystem::create_directory(local / "bound");
    in_child_process([&] {
        have_own_mounts();
        bind_mount(local / "in", local / "bound");
        withhold();
        const auto bound = open(local / "bound", options).value();
        EXPECT_EQ(error_of(bound->root(Wait::yes).value()->lookup(root_caller, "state")), denied);
        EXPECT_FALSE(open(local / "bound/state", options));
        EXPECT_EQ(error_of(bound->root(Wait::yes).value()->rename(
                      root_caller, "state", *bound->root(Wait::yes).value(), "taken")),
                  denied);
    });
}

TEST_F(WithheldTest, AFileSystemMountedInItIsAnothers) {
    in_child_process([&] {
        have_own_mounts();
        mount_memory(local / "in/state/deep", "mode=777");
        withhold();
        EXPECT_TRUE(open(local / "in/state/deep", options));
    });
}

TEST_F(WithheldTest, IsNotAddedAsWhatIsMountedBelowAnExport) {
    in_child_process([&] {
        have_own_mounts();
        mount_memory(local / "in/state", "mode=777");
        std::filesystem::create_directory(local / "in/state/below");
        write_local(local / "in/state/key", "secret");
        withhold();
        const ExportOptions crossing{.crosses_mounts = true};
        const auto found =
            find_nested({make_export(local.path(),
                                     std::shared_ptr<vfs::FileSystem>{std::move(files)}, crossing)},
                        {});
        EXPECT_EQ(found.exports.size(), 1U);
        EXPECT_THAT(found.hidden, Contains(HasSubstr("state directory")));
    });
}

}  // namespace
}  // namespace berth::vfs::posix
