// What is withheld is reached by no way that a client has.
#include "nfs/vfs/withheld.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mount.h>

#include <boost/filesystem/operations.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// An export with a state directory of the server's in it: in/state/key, in/state/deep/file.
class WithheldTest : public ExportedDirectory {
protected:
    WithheldTest() {
        boost::filesystem::create_directories(local / "in/state/deep");
        write_local(local / "in/state/key", "secret");
        write_local(local / "in/state/deep/file", "secret");
    }
    void withhold() {
        options.withheld = std::make_shared<const Withheld>(what());
        open_again(options);
    }
    /// "secret", under that name, is what nothing else has.
    [[nodiscard]] Withheld::What what() const {
        const auto secret = std::as_bytes(std::span{std::string_view{"secret"}});
        return {.paths = {local / "in/state", local / "in/state/key", local / "in/missing"},
                .mark = Withheld::Mark{"key", {secret.begin(), secret.end()}}};
    }
    /// Where the same directories are shown a second time, with other numbers.
    void expect_denied_in(const std::string& shown) {
        options.withheld = std::make_shared<const Withheld>(what());
        const auto second = open(shown, options).value();
        const auto in = second->root(Patience::ample).value()->lookup(root_caller, "in").value();
        EXPECT_EQ(error_of(in->lookup(root_caller, "state")), denied);
        EXPECT_EQ(error_of(in->lookup(alice, "state")), denied);
        EXPECT_TRUE(in->lookup(root_caller, "beside"));
        const auto refused = open(shown + "/in/state", options);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, std::errc::operation_not_permitted);
    }
    NodePtr in() { return lookup("in"); }

    Options options;
};

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
    boost::filesystem::create_hard_link(local / "in/state/key", local / "hard link");
    withhold();
    EXPECT_EQ(error_of(root()->lookup(root_caller, "hard link")), denied);
    EXPECT_EQ(error_of(root()->peek(root_caller, "hard link")), denied);
    boost::filesystem::rename(local / "in/state", local / "moved");
    EXPECT_EQ(error_of(root()->lookup(root_caller, "moved")), denied);
    EXPECT_EQ(read_local(local / "hard link"), "secret");
}

TEST_F(WithheldTest, NamesCannotBeTakenAwayOrReplaced) {
    write_local(local / "file", "client's");
    boost::filesystem::create_directory(local / "empty");
    boost::filesystem::create_directory(local / "beside");
    withhold();
    EXPECT_EQ(error_of(files->rename(root_caller, *in(), "state", *root(), "taken")), denied);
    EXPECT_EQ(error_of(files->rename(root_caller, *root(), "empty", *in(), "state")), denied);
    EXPECT_EQ(error_of(files->rename(root_caller, *root(), "file", *in(), "state")), denied);
    EXPECT_EQ(error_of(in()->remove_directory(root_caller, "state")), denied);
    EXPECT_EQ(error_of(in()->remove(root_caller, "state")), denied);
    EXPECT_EQ(read_local(local / "in/state/key"), "secret");
    // Others can.
    EXPECT_TRUE(files->rename(root_caller, *root(), "empty", *in(), "renamed"));
    EXPECT_TRUE(root()->remove(root_caller, "file"));
    EXPECT_TRUE(root()->remove_directory(root_caller, "beside"));
}

// Whoever could, would put a directory of his own where the server writes.
TEST_F(WithheldTest, WhatItLiesInIsNotMovedEither) {
    boost::filesystem::create_directory(local / "beside");
    boost::filesystem::permissions(local / "in/state", boost::filesystem::perms::owner_all);
    withhold();
    for (const auto& caller : {root_caller, alice})
        EXPECT_EQ(error_of(files->rename(caller, *root(), "in", *root(), "taken")), denied);
    EXPECT_EQ(error_of(files->rename(root_caller, *root(), "in", *lookup("beside"), "in")), denied);
    EXPECT_TRUE(boost::filesystem::exists(local / "in/state/key"));
    EXPECT_TRUE(files->rename(root_caller, *root(), "beside", *root(), "moved"))
        << "what is beside it is";
}

TEST_F(WithheldTest, HandlesOfBeforeAreStale) {
    auto state = in()->lookup(root_caller, "state").value();
    auto deep = state->lookup(root_caller, "deep").value();
    const std::vector ids{state->id(), state->lookup(root_caller, "key").value()->id(), deep->id(),
                          deep->lookup(root_caller, "file").value()->id()};
    state.reset();
    deep.reset();
    withhold();
    for (const auto& each : ids) EXPECT_EQ(error_of(files->find(each, Patience::ample)), stale);
}

TEST_F(WithheldTest, HandlesOfBeforeAreStaleInAJournalToo) {
    options.kernel_handles = false;
    const TemporaryDirectory journal;
    options.journal = journal_in(journal / "names", start_thread);
    open_again(options);
    auto state = in()->lookup(root_caller, "state").value();
    auto deep = state->lookup(root_caller, "deep").value();
    const std::vector ids{state->id(), state->lookup(root_caller, "key").value()->id(), deep->id()};
    state.reset();
    deep.reset();
    withhold();
    for (const auto& each : ids)
        EXPECT_NE(error_of(files->find(each, Patience::ample)), std::errc{});
    EXPECT_EQ(error_of(in()->lookup(root_caller, "state")), denied);
}

TEST_F(WithheldTest, IsNoExportNorIsWhatLiesInIt) {
    withhold();
    boost::filesystem::create_directory_symlink(local / "in/state", local / "link");
    for (const auto* path : {"in/state", "in/state/deep", "link", "link/deep"}) {
        const auto refused = open(local / path, options);
        ASSERT_FALSE(refused) << path;
        EXPECT_EQ(refused.error().code, std::errc::operation_not_permitted);
        EXPECT_THAT(refused.error().reason, HasSubstr("state directory"));
    }
    EXPECT_TRUE(open(local / "in", options));
}

TEST_F(WithheldTest, BindMountsHideNothing) {
    boost::filesystem::create_directory(local / "bound");
    in_child_process([&] {
        have_own_mounts();
        bind_mount(local / "in", local / "bound");
        withhold();
        const auto bound = open(local / "bound", options).value();
        EXPECT_EQ(error_of(bound->root(Patience::ample).value()->lookup(root_caller, "state")),
                  denied);
        EXPECT_FALSE(open(local / "bound/state", options));
        EXPECT_EQ(error_of(bound->rename(root_caller, *bound->root(Patience::ample).value(),
                                         "state", *bound->root(Patience::ample).value(), "taken")),
                  denied);
    });
}

TEST_F(WithheldTest, StackedFileSystemsHideNothing) {
    boost::filesystem::create_directories(local / "in/beside/deeper");
    write_local(local / "in/beside/key", "another");
    boost::filesystem::permissions(local / "in/state", boost::filesystem::perms::owner_all);
    in_child_process([&] {
        have_own_mounts();
        const TemporaryDirectory space;
        const FuseMedium fuse{space.path()};
        boost::filesystem::copy(local / "in", fuse.path() + "/in",
                                boost::filesystem::copy_options::recursive);
        expect_denied_in(fuse.path());
    });
    in_child_process([&] {
        have_own_mounts();
        const TemporaryDirectory space;
        mount_memory(space.path(), "mode=777");
        for (const auto* name : {"upper", "work", "merged"})
            boost::filesystem::create_directory(space / name);
        const std::string layers = "lowerdir=" + local.path() + ",upperdir=" + (space / "upper") +
                                   ",workdir=" + (space / "work");
        ASSERT_EQ(::mount("overlay", (space / "merged").c_str(), "overlay", 0, layers.c_str()), 0);
        expect_denied_in(space / "merged");
    });
}

// Whoever could, would lead the server to a directory of his own at its next start.
TEST_F(WithheldTest, LinksThatLeadToItStay) {
    boost::filesystem::create_directories(local / "links/deep");
    boost::filesystem::create_directory_symlink(local / "in", local / "links/deep/link");
    auto wanted = what();
    wanted.links = {local / "links/deep/link"};
    options.withheld = std::make_shared<const Withheld>(wanted);
    open_again(options);
    const auto links = lookup("links");
    const auto deep = links->lookup(root_caller, "deep").value();
    EXPECT_EQ(error_of(deep->remove(root_caller, "link")), denied);
    EXPECT_EQ(error_of(files->rename(root_caller, *deep, "link", *root(), "taken")), denied);
    EXPECT_EQ(error_of(files->rename(root_caller, *links, "deep", *root(), "taken")), denied);
    EXPECT_TRUE(deep->lookup(root_caller, "link")) << "it can be read as ever";
    EXPECT_TRUE(deep->create(root_caller, "beside", {}));
    EXPECT_TRUE(deep->remove(root_caller, "beside"));
}

TEST_F(WithheldTest, TheServerIsNotShutOutOfIt) {
    boost::filesystem::create_directory(local / "beside");
    withhold();
    constexpr auto refused = std::errc::operation_not_permitted;
    EXPECT_EQ(error_of(in()->set_attributes(root_caller, {.mode = 0})), refused);
    EXPECT_EQ(error_of(in()->set_attributes(root_caller, {.uid = 1000})), refused);
    EXPECT_TRUE(in()->set_attributes(root_caller, {.modified = NewTime{}}));
    EXPECT_TRUE(lookup("beside")->set_attributes(root_caller, {.mode = 0700}));
}

TEST_F(WithheldTest, AFileSystemMountedInItIsAnothers) {
    in_child_process([&] {
        have_own_mounts();
        mount_memory(local / "in/state/deep", "mode=777");
        withhold();
        EXPECT_TRUE(open(local / "in/state/deep", options));
    });
}

}  // namespace
}  // namespace berth::vfs::posix
