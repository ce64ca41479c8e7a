// What lies outside an export: whatever became of the caches, and whichever part of a file system
// is exported.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"
#include "tests/support/becomes_true.hpp"

namespace berth::vfs::posix {
namespace {

/// All that a handle says of an object.
struct Kept {
    ObjectId id;
    Way way;
};

Kept kept(const NodePtr& node) {
    return {node->id(), node->way()};
}

/// The export is `in`, or a mount of it alone, and `out` is beside it on the same file system.
class Outside : public ::testing::Test {
protected:
    void make_directories(const std::string& at) {
        in = at + "/in";
        out = at + "/out";
        boost::filesystem::create_directory(in);
        boost::filesystem::create_directory(out);
    }
    /// Mounts `in` by itself, as a container's volume is mounted.
    void mount_alone() {
        exported = space / "volume";
        boost::filesystem::create_directory(exported);
        bind_mount(in, exported);
    }
    void export_again(Options options = {}) {
        files.reset();
        options.journal = journal_in(space / "journal", start_thread);
        auto opened = open(exported.empty() ? in : exported, options);
        if (!opened) throw std::runtime_error{opened.error().reason};
        files = std::move(*opened);
    }
    NodePtr root() { return files->root().value(); }
    NodePtr make(Node& directory, std::string_view name) {
        auto file = directory.create(root_caller, name, {.attributes = {.mode = 0666}}).value();
        EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span{name})));
        return file;
    }
    NodePtr make_directory(Node& directory, std::string_view name) {
        return directory.make_directory(root_caller, name, {.mode = 0777}).value();
    }
    /// As calls do: first by a thread that may not wait, and if that won't do by one that may.
    Result<NodePtr> find(const Kept& object) {
        auto found = files->find(object.id, object.way, Patience::none);
        const bool is_told = found || found.error() != would_block;
        return is_told ? found : files->find(object.id, object.way, Patience::ample);
    }
    std::errc outcome(const Kept& object) { return error_of(find(object)); }
    std::string text_of(const Kept& object) {
        auto found = find(object);
        return found ? read_all(**found, root_caller)
                     : std::make_error_code(found.error()).message();
    }
    bool becomes_stale(const Kept& object) {
        return berth::test::becomes_true([&] { return outcome(object) == stale; });
    }
    void move_out(const std::string& name) const {
        boost::filesystem::rename(in + "/" + name, out + "/" + name);
    }

    TemporaryDirectory space{"/var/tmp"};
    std::string in;
    std::string out;
    std::string exported;
    std::unique_ptr<FileSystem> files;
};

// It is not looked again within the second, but what would make it stay is not done.
TEST_F(Outside, NothingIsLinkedOrMovedBackByWhoStillHasIt) {
    make_directories(space.path());
    export_again();
    const auto file = make(*root(), "file");
    const auto directory = make_directory(*root(), "directory");
    const auto below = make(*directory, "below");
    move_out("file");
    move_out("directory");
    EXPECT_EQ(error_of(files->link(root_caller, *file, *root(), "again")), stale);
    EXPECT_EQ(error_of(files->rename(root_caller, *directory, "below", *root(), "below")), stale);
    EXPECT_EQ(error_of(files->link(root_caller, *below, *root(), "again")), stale);
    make(*root(), "inside");
    EXPECT_EQ(error_of(files->rename(root_caller, *root(), "inside", *directory, "inside")), stale);
    EXPECT_TRUE(
        files->link(root_caller, *root()->lookup(root_caller, "inside").value(), *root(), "twice"));
}

struct Kind {
    const char* name;
    const char* file_system;
    unsigned mebibytes;
    const char* options;
};

class OutsideOnEveryKind : public Outside, public ::testing::WithParamInterface<Kind> {
protected:
    /// All caches are lost when the file system is mounted again, as the machine's restart does it.
    void restart(ImageMedium& medium) {
        files.reset();
        if (!exported.empty()) run_command("umount " + exported);
        medium.mount_again();
        if (!exported.empty()) bind_mount(in, exported);
        export_again();
    }
    void lies_outside_after_a_restart(bool is_mounted_alone) {
        have_own_mounts();
        boost::filesystem::create_directory(space / "medium");
        ImageMedium medium{space / "medium", GetParam().file_system, GetParam().mebibytes,
                           GetParam().options};
        make_directories(medium.path());
        if (is_mounted_alone) mount_alone();
        export_again();
        const auto file = kept(make(*root(), "file"));
        const auto directory = kept(make_directory(*root(), "directory"));
        const auto below = kept(make(*root()->lookup(root_caller, "directory").value(), "below"));
        const auto twice = kept(make(*root(), "twice"));
        ASSERT_TRUE(files->link(root_caller, *root()->lookup(root_caller, "twice").value(), *root(),
                                "again"));
        const auto stays = kept(make(*root(), "stays"));
        const auto link = kept(root()->make_symbolic_link(root_caller, "link", "file", {}).value());
        const auto moved = kept(make(*root(), "moved"));
        auto place = make_directory(*root(), "place");
        ASSERT_TRUE(files->rename(root_caller, *root(), "moved", *place, "there"));
        ASSERT_TRUE(files->rename(root_caller, *place, "there", *place, "elsewhere"));
        const auto linked = kept(make(*root(), "linked"));
        ASSERT_TRUE(files->link(root_caller, *root()->lookup(root_caller, "linked").value(), *place,
                                "link"));
        ASSERT_TRUE(root()->remove(root_caller, "linked"));
        const auto carried = kept(make(*make_directory(*place, "carried"), "inside"));
        boost::filesystem::rename(in + "/place/carried", in + "/carried");
        boost::filesystem::rename(in + "/stays", in + "/stayed");
        place.reset();

        for (const char* name : {"file", "directory", "twice"}) move_out(name);
        restart(medium);
        for (const auto& one : {file, directory, below}) EXPECT_EQ(outcome(one), stale);
        EXPECT_EQ(text_of(twice), "twice") << "by its other name";
        EXPECT_EQ(text_of(stays), "stays") << "renamed by a local process";
        EXPECT_EQ(text_of(moved), "moved") << "moved and renamed by a client";
        EXPECT_EQ(text_of(linked), "linked") << "linked elsewhere, and removed, by a client";
        EXPECT_EQ(text_of(carried), "inside") << "in a directory moved by a local process";
        EXPECT_EQ(outcome(link), std::errc{});
        move_out("again");
        EXPECT_TRUE(becomes_stale(twice));
        restart(medium);
        EXPECT_EQ(outcome(twice), stale);
        EXPECT_EQ(text_of(moved), "moved") << "once more";
    }
};

TEST_P(OutsideOnEveryKind, IsWhatWasMovedOutWhileTheServerWasDown) {
    in_child_process([this] { lies_outside_after_a_restart(false); });
}

TEST_P(OutsideOnEveryKind, OfWhatIsMountedAloneToo) {
    in_child_process([this] { lies_outside_after_a_restart(true); });
}

TEST_P(OutsideOnEveryKind, HandlesHaveRoomForTheWay) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(space / "medium");
        const ImageMedium medium{space / "medium", GetParam().file_system, GetParam().mebibytes,
                                 GetParam().options};
        make_directories(medium.path());
        export_again();
        ASSERT_TRUE(files->has_kernel_handles());
        const auto file = make(*root(), "file");
        EXPECT_FALSE(file->way().bytes().empty());
        EXPECT_LE(file->id().bytes().size() + file->way().bytes().size(), ObjectId::bytes_max);
        EXPECT_TRUE(make_directory(*root(), "directory")->way().bytes().empty());
        // As long as it is in use an object has one handle, whichever name it is looked up by.
        const auto directory = root()->lookup(root_caller, "directory").value();
        ASSERT_TRUE(files->link(root_caller, *file, *directory, "again"));
        EXPECT_EQ(directory->lookup(root_caller, "again").value()->way(), file->way());
        EXPECT_EQ(directory->peek(root_caller, "again")->way, file->way());
        EXPECT_EQ(root()->peek(root_caller, "file")->way, file->way());
        // Nothing lies outside a whole file system.
        files.reset();
        in = medium.path();
        export_again();
        EXPECT_TRUE(make(*root(), "other")->way().bytes().empty());
    });
}

INSTANTIATE_TEST_SUITE_P(Kinds, OutsideOnEveryKind,
                         ::testing::Values(Kind{"ext4", "ext4", 32, ""},
                                           Kind{"ext4_small_inodes", "ext4", 32, "-I 128"},
                                           Kind{"xfs", "xfs", 300, ""},
                                           Kind{"btrfs", "btrfs", 120, ""}),
                         [](const auto& tested) { return std::string{tested.param.name}; });

class OutsideInUse : public Outside {
protected:
    OutsideInUse() { make_directories(space.path()); }
};

TEST_F(OutsideInUse, OfAMountOfADirectoryAreThingsMovedOut) {
    for (const bool kernel_handles : {true, false}) {
        in_child_process([&] {
            have_own_mounts();
            mount_alone();
            export_again({.kernel_handles = kernel_handles});
            const auto file = kept(make(*root(), "file"));
            const auto directory = make_directory(*root(), "directory");
            const auto below = kept(make(*directory, "below"));
            move_out("file");
            move_out("directory");
            EXPECT_EQ(error_of(directory->lookup(root_caller, "..")), stale) << "at once";
            EXPECT_TRUE(becomes_stale(file));
            EXPECT_TRUE(becomes_stale(kept(directory)));
            EXPECT_TRUE(becomes_stale(below));
            boost::filesystem::remove_all(out + "/directory");
            boost::filesystem::remove_all(out + "/file");
        });
    }
}

TEST_F(OutsideInUse, IsAFileOfTwoNamesOnceBothAreOutside) {
    export_again();
    const auto file = kept(make(*root(), "a"));
    ASSERT_TRUE(files->link(root_caller, *root()->lookup(root_caller, "a").value(), *root(), "b"));
    move_out("a");
    // Long enough for a second look.
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1200};
    while (std::chrono::steady_clock::now() < end) ASSERT_EQ(text_of(file), "a");
    move_out("b");
    EXPECT_TRUE(becomes_stale(file));
}

// Of what the kernel's way up does not lead to the mounted directory, it tells the path from the
// root of the file system, whatever that means here.
TEST_F(OutsideInUse, IsWhatOnlySeemsToHaveAPathInside) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(space / "medium");
        mount_memory(space / "medium", "size=16m");
        make_directories(space / "medium");
        mount_alone();
        const auto seemingly = space / "medium" + exported;
        boost::filesystem::create_directories(seemingly);
        export_again();
        const auto file = kept(make(*root(), "file"));
        const auto directory = kept(make_directory(*root(), "directory"));
        boost::filesystem::rename(in + "/file", seemingly + "/file");
        boost::filesystem::rename(in + "/directory", seemingly + "/directory");
        ASSERT_EQ(boost::filesystem::read_symlink(
                      "/proc/self/fd/" + std::to_string(::open((seemingly + "/file").c_str(), 0))),
                  seemingly + "/file");
        // The names are there, of other objects.
        make(*root(), "file");
        make_directory(*root(), "directory");
        EXPECT_TRUE(becomes_stale(file));
        EXPECT_TRUE(becomes_stale(directory));
        export_again();
        EXPECT_EQ(outcome(file), stale);
        EXPECT_EQ(outcome(directory), stale);
    });
}

TEST_F(OutsideInUse, IsNothingThatIsRenamedWithinWhileItIsLookedFor) {
    in_child_process([this] {
        have_own_mounts();
        mount_alone();
        export_again();
        const auto file = kept(make(*make_directory(*root(), "a"), "file"));
        std::atomic<bool> done = false;
        std::thread renamer{[&] {
            for (bool is_a = true; !done; is_a = !is_a)
                boost::filesystem::rename(in + (is_a ? "/a" : "/b"), in + (is_a ? "/b" : "/a"));
        }};
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{2200};
        std::string text = "file";
        while (text == "file" && std::chrono::steady_clock::now() < end) text = text_of(file);
        done = true;
        renamer.join();
        EXPECT_EQ(text, "file");
    });
}

/// Deeper than any path can tell.
class Deep : public Outside {
protected:
    static constexpr int levels = 4200;

    /// In memory, where it does not take long to be gone.
    void have_own_memory() {
        have_own_mounts();
        boost::filesystem::create_directory(space / "memory");
        mount_memory(space / "memory", "size=64m");
        make_directories(space / "memory");
    }
    NodePtr make_deep() {
        auto at = root();
        for (int level = 0; level < levels; ++level) at = make_directory(*at, "d");
        return at;
    }
    void works(const Options& options) {
        export_again(options);
        auto directory = make_deep();
        const auto deepest = kept(directory);
        const auto file = kept(make(*directory, "file"));
        const auto above = directory->lookup(root_caller, "..").value()->id();
        directory.reset();
        export_again(options);
        auto found = files->find(deepest.id, deepest.way, Patience::ample);
        ASSERT_TRUE(found) << std::make_error_code(found.error()).message();
        EXPECT_EQ((*found)->lookup(root_caller, "..").value()->id(), above);
        EXPECT_EQ((*found)->peek(root_caller, "..")->id, above);
        EXPECT_EQ(text_of(file), "file");
        // Long enough for a second look.
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1200};
        while (std::chrono::steady_clock::now() < end) {
            ASSERT_EQ(text_of(file), "file");
            ASSERT_EQ(outcome(deepest), std::errc{});
        }
        move_out("d");
        EXPECT_TRUE(becomes_stale(deepest));
        EXPECT_TRUE(becomes_stale(file));
        export_again(options);
        EXPECT_EQ(outcome(deepest), stale);
        EXPECT_EQ(outcome(file), stale);
    }
};

TEST_F(Deep, TreesWork) {
    in_child_process([this] {
        have_own_memory();
        works({});
    });
}

TEST_F(Deep, TreesWorkWithoutKernelHandles) {
    in_child_process([this] {
        have_own_memory();
        works({.kernel_handles = false});
    });
}

TEST_F(Deep, TreesWorkWhereTheyAreMountedAlone) {
    in_child_process([this] {
        have_own_memory();
        mount_alone();
        works({});
    });
}

}  // namespace
}  // namespace berth::vfs::posix
