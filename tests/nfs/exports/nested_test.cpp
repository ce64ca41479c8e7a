// What is mounted below exports, with real mounts of the test's own: which of it is exported too,
// and by which identity.
#include "nfs/exports/nested.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/mount.h>

#include <boost/filesystem/operations.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/reasons.hpp"
#include "nfs/vfs/mounts.hpp"
#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/withheld.hpp"
#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"
#include "tests/support/forwarding.hpp"

namespace berth::exports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using vfs::posix::have_own_mounts;
using vfs::posix::in_child_process;
using vfs::posix::mount_memory;
using vfs::posix::root_caller;

constexpr Options plain{};
constexpr Options crossing{.crosses_mounts = true};
constexpr Options shown{.is_hidden = false};

/// A directory with places to mount something at.
class NestedTest : public ::testing::Test {
protected:
    NestedTest() {
        for (const char* name : {"a", "b", "a b\\c"})
            boost::filesystem::create_directory(top / name);
    }
    Export exported(const std::string& path, const Options& options) {
        return make_export(path, vfs::posix::open(path).value(), options);
    }
    Nested find(const Options& options, const OpenMounts& kept = {}) {
        return find_nested({exported(top.path(), options)}, kept);
    }
    std::string below(const Export& nested) {
        return nested.path.substr(std::min(top.path().size(), nested.path.size()));
    }
    std::vector<std::string> added(const Nested& found) {
        std::vector<std::string> paths;
        for (const auto& each : found.exports)
            if (each.is_nested) paths.push_back(below(each));
        return paths;
    }

    vfs::NodePtr root_of(const Nested& found, std::size_t at) {
        return found.exports.at(at).files->root().value();
    }

    vfs::posix::TemporaryDirectory top{"/var/tmp"};
};

TEST_F(NestedTest, OnlyCrossmntAddsWhatIsMounted) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        mount_memory(top / "a b\\c", "size=1m");
        boost::filesystem::create_directory(top / "a/deeper");
        mount_memory(top / "a/deeper", "size=1m");
        EXPECT_THAT(added(find(plain)), IsEmpty());
        EXPECT_THAT(added(find(shown)), IsEmpty());
        const auto found = find(crossing);
        EXPECT_THAT(added(found), ElementsAre("/a", "/a b\\c", "/a/deeper"));
        EXPECT_THAT(found.hidden, IsEmpty());
        const Table table{found.exports};
        const auto& all = found.exports;
        const auto top_id = all[0].files->root().value()->id();
        EXPECT_THAT(all[0].crossings, ElementsAre(Crossing{top_id, "a", all[1].id},
                                                  Crossing{top_id, "a b\\c", all[2].id}));
        const auto a_id = all[1].files->root().value()->id();
        EXPECT_THAT(all[1].crossings, ElementsAre(Crossing{a_id, "deeper", all[3].id}));
    });
}

// As for a command that asks about one path of a file with many.
TEST_F(NestedTest, ExportsThatAreNotOpenAreLeftAsTheyAre) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        const auto found = find_nested(
            {make_export("/closed", nullptr, crossing), exported(top.path(), crossing)}, {});
        EXPECT_THAT(found.exports, SizeIs(3));
        EXPECT_THAT(found.exports[0].crossings, IsEmpty());
        EXPECT_THAT(found.exports[1].crossings, SizeIs(1));
    });
}

TEST_F(NestedTest, TheFirstMountPointOnAWayIsFound) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        boost::filesystem::create_directory(top / "a/deeper");
        mount_memory(top / "a/deeper", "size=1m");
        const Table table{{exported(top.path(), plain)}};
        const auto point_in = [&](const std::string& path) {
            return reasons::mount_point_in(table.matches(path).at(0));
        };
        EXPECT_EQ(point_in(top / "a"), top / "a");
        EXPECT_EQ(point_in(top / "a/deeper/still"), top / "a");
        EXPECT_EQ(point_in(top / "b/nothing"), "");
        EXPECT_EQ(point_in(top.path()), "");
    });
}

TEST_F(NestedTest, TheIdentityIsTheFileSystemsWhereverItIsMounted) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(top / "medium");
        vfs::posix::ImageMedium medium{top / "medium", "ext4", 32};
        auto first = find(crossing).exports.at(1);
        const auto root_id = first.files->root().value()->id();
        first.files.reset();  // nobody unmounts what is open
        medium.mount_again();
        const auto again = find(crossing).exports.at(1);
        EXPECT_EQ(again.id, first.id);
        EXPECT_EQ(again.fsid, first.fsid);
        EXPECT_EQ(again.files->root().value()->id(), root_id);
        EXPECT_NE(again.fsid, exported(top.path(), crossing).fsid);

        ASSERT_EQ(::mount(medium.path().c_str(), (top / "b").c_str(), nullptr, MS_BIND, nullptr),
                  0);
        const auto twice = find(crossing);
        ASSERT_THAT(added(twice), ElementsAre("/b", "/medium/mounted"));
        EXPECT_NE(twice.exports[1].id, twice.exports[2].id);
        EXPECT_EQ(twice.exports[1].id, first.id);
        static_cast<void>(Table{twice.exports});
    });
}

TEST_F(NestedTest, WhatStaysMountedStaysOpenAndTheRestIsLetGo) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        auto first = find(crossing);
        mount_memory(top / "b", "size=1m");
        const auto both = find(crossing, first.opened);
        ASSERT_THAT(added(both), ElementsAre("/a", "/b"));
        EXPECT_EQ(both.exports[1].files, first.exports[1].files);
        ASSERT_EQ(::umount2((top / "a").c_str(), MNT_DETACH), 0);
        const auto rest = find(crossing, both.opened);
        EXPECT_THAT(added(rest), ElementsAre("/b"));
        EXPECT_THAT(rest.opened, SizeIs(1));
        // Another file system at the same place is another one to clients.
        mount_memory(top / "a", "size=1m");
        EXPECT_NE(find(crossing, rest.opened).exports[1].id, first.exports[1].id);
    });
}

TEST_F(NestedTest, OfTwoAtOnePlaceTheUpperOneCounts) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        mount_memory(top / "a", "size=2m");
        const auto found = find(crossing);
        ASSERT_THAT(added(found), ElementsAre("/a"));
        EXPECT_EQ(found.exports[1]
                      .files->root(vfs::Patience::ample)
                      .value()
                      ->space(root_caller)
                      ->total_bytes,
                  2U << 20);
        EXPECT_EQ(found.exports[0].crossings.at(0).name, "a");
    });
}

TEST_F(NestedTest, InterfacesOfTheKernelAndOfProcessesStayHidden) {
    in_child_process([this] {
        have_own_mounts();
        ASSERT_EQ(::mount("proc", (top / "a").c_str(), "proc", 0, nullptr), 0);
        boost::filesystem::create_directory(top / "medium");
        const vfs::posix::FuseMedium medium{top / "medium"};
        const auto found = find(crossing);
        EXPECT_THAT(added(found), IsEmpty());
        EXPECT_THAT(found.exports[0].crossings, IsEmpty());
        EXPECT_THAT(found.hidden,
                    ElementsAre(HasSubstr("/a: what is mounted here stays hidden: a file system of "
                                          "type proc"),
                                HasSubstr("type fuse")));
    });
}

TEST_F(NestedTest, ASingleFileStaysHidden) {
    in_child_process([this] {
        have_own_mounts();
        vfs::posix::write_local(top / "file", "covered");
        vfs::posix::bind_mount("/etc/passwd", top / "file");
        mount_memory(top / "a", "size=1m");
        const auto found = find(crossing);
        EXPECT_THAT(added(found), ElementsAre("/a"));
        EXPECT_THAT(found.hidden,
                    ElementsAre(top / "file: what is mounted here stays hidden: a single file"));
        EXPECT_EQ(vfs::posix::error_of(root_of(found, 0)->lookup(root_caller, "file")),
                  std::errc::permission_denied);
    });
}

// An empty directory may go, unless something is mounted there (rmdir(2), rename(2)).
TEST_F(NestedTest, AMountPointIsNotRemovedAndNotRenamed) {
    in_child_process([this] {
        have_own_mounts();
        vfs::posix::write_local(top / "file", "covered");
        vfs::posix::bind_mount("/etc/passwd", top / "file");
        mount_memory(top / "a", "size=1m");
        for (const auto& options : {plain, crossing}) {
            const auto found = find(options);
            auto& files = *found.exports.at(0).files;
            const auto root = files.root().value();
            const auto is_busy = [](const vfs::Result<void>& result) {
                return vfs::posix::error_of(result) == std::errc::device_or_resource_busy;
            };
            EXPECT_TRUE(is_busy(root->remove_directory(root_caller, "a")));
            EXPECT_TRUE(is_busy(root->remove(root_caller, "file")));
            for (const char* name : {"a", "file"})
                EXPECT_TRUE(is_busy(files.rename(root_caller, *root, name, *root, "moved")))
                    << name;
            EXPECT_TRUE(is_busy(files.rename(root_caller, *root, "b", *root, "a")));
        }
    });
}

class NestedInImages : public NestedTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(NestedInImages, HandlesOutliveTheServerAndTheMachine) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(top / "medium");
        const std::string_view kind = GetParam();
        vfs::posix::ImageMedium medium{top / "medium", std::string{kind},
                                       kind == "xfs" ? 300U : 120U};
        std::optional first = find(crossing);
        const auto id = first->exports.at(1).id;
        const auto made = root_of(*first, 1)->create(root_caller, "file", {}).value()->id();
        first.reset();  // nobody unmounts what is open
        for (const bool machine_too : {false, true}) {
            if (machine_too) medium.mount_again();
            const auto again = find(crossing);
            ASSERT_THAT(added(again), ElementsAre("/medium/mounted"));
            EXPECT_EQ(again.exports[1].id, id);
            EXPECT_TRUE(again.exports[1].files->find(made, vfs::Patience::ample));
        }
    });
}

INSTANTIATE_TEST_SUITE_P(Kinds, NestedInImages, ::testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& kind) { return std::string{kind.param}; });

TEST_F(NestedTest, WithoutKernelHandlesAllStaysHiddenAndTheReasonIsSaid) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        auto files = vfs::posix::open(top.path(), {.kernel_handles = false}).value();
        const auto found = find_nested({make_export(top.path(), std::move(files), crossing)}, {});
        EXPECT_THAT(added(found), IsEmpty());
        EXPECT_THAT(found.hidden,
                    ElementsAre(HasSubstr("has no handles that the kernel can open")));
    });
}

TEST_F(NestedTest, AnExportOfItsOwnIsSeenInTheOuterOneIfEitherSaysSo) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        const auto crossings = [&](const Options& outer, const Options& inner) {
            const auto found =
                find_nested({exported(top.path(), outer), exported(top / "a", inner)}, {});
            static_cast<void>(Table{found.exports});
            std::vector<ExportId> ids;
            for (const auto& each : found.exports[0].crossings) ids.push_back(each.inner);
            return ids;
        };
        const auto own = exported(top / "a", plain).id;
        EXPECT_THAT(crossings(plain, plain), IsEmpty());
        EXPECT_THAT(crossings(plain, shown), ElementsAre(own));
        EXPECT_THAT(crossings(crossing, plain), ElementsAre(own, testing::Ne(own)))
            << "for clients whom the inner one is not for";
    });
}

TEST_F(NestedTest, AWatchSeesMountsComeAndGo) {
    in_child_process([this] {
        have_own_mounts();
        const vfs::MountChanges watch;
        const auto has_changed = [&] {
            pollfd asked{.fd = watch.descriptor(), .events = POLLPRI, .revents = 0};
            return ::poll(&asked, 1, 0) == 1;
        };
        EXPECT_FALSE(has_changed());
        mount_memory(top / "a", "size=1m");
        EXPECT_TRUE(has_changed());
        EXPECT_FALSE(has_changed());
        ASSERT_EQ(::umount2((top / "a").c_str(), MNT_DETACH), 0);
        EXPECT_TRUE(has_changed());
    });
}

TEST(MountTable, IsReadWithItsEscapesAndOptionalFields) {
    const auto mounts = vfs::parse_mounts(
        "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 unbindable - ext3 /dev/ro\\134ot rw\n"
        "nonsense\n"
        "37 36 0:5 / / rw - tmpfs none rw\n");
    ASSERT_THAT(mounts, SizeIs(2));
    EXPECT_EQ(mounts[0].id, 36U);
    EXPECT_EQ(mounts[0].parent, 35U);
    EXPECT_EQ(mounts[0].device_major, 98U);
    EXPECT_EQ(mounts[0].root, "/mnt1");
    EXPECT_EQ(mounts[0].point, "/mnt 2");
    EXPECT_EQ(mounts[0].type, "ext3");
    EXPECT_EQ(mounts[0].source, "/dev/ro\\ot");
    EXPECT_EQ(mounts[1].root, "/");
    EXPECT_EQ(mounts[1].point, "/");
    EXPECT_EQ(mounts[1].type, "tmpfs");
}

TEST_F(NestedTest, ADecoratedDirectoryAddsWhatIsMountedTheSameWay) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(top / "a", "size=1m");
        boost::filesystem::create_directory(top / "a/deeper");
        mount_memory(top / "a/deeper", "size=1m");
        const auto plainly = find(crossing);
        auto decorated =
            std::make_shared<vfs::forwarding::FileSystem>(vfs::posix::open(top.path()).value());
        const auto found = find_nested({make_export(top.path(), decorated, crossing)}, {});
        EXPECT_THAT(added(found), ElementsAre("/a", "/a/deeper"));
        ASSERT_EQ(found.exports.size(), plainly.exports.size());
        for (std::size_t at = 0; at < found.exports.size(); ++at) {
            EXPECT_EQ(found.exports[at].id, plainly.exports[at].id);
            EXPECT_EQ(found.exports[at].crossings, plainly.exports[at].crossings);
        }
        EXPECT_NE(dynamic_cast<vfs::forwarding::FileSystem*>(found.exports.at(1).files.get()),
                  nullptr);
    });
}

TEST_F(NestedTest, WhatIsWithheldIsNotAdded) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directories(top / "a/state");
        mount_memory(top / "a/state", "mode=777");
        const vfs::Withheld::What what{.paths = {top / "a/state"}};
        auto files =
            vfs::posix::open(top.path(), {.withheld = std::make_shared<const vfs::Withheld>(what)})
                .value();
        const auto found = find_nested({make_export(top.path(), std::move(files), crossing)}, {});
        EXPECT_THAT(found.exports, SizeIs(1));
        EXPECT_THAT(found.hidden, ElementsAre(HasSubstr("state directory")));
    });
}

}  // namespace
}  // namespace berth::exports
