// Real file systems, each made for the test: what an exported one must be able to do, and what it
// says when it is full, over quota, or broken.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include <sys/mount.h>
#include <sys/sysinfo.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

/// A place for media, and an export of one.
class FileSystems : public ::testing::Test {
protected:
    /// So few nodes that objects are found again and again.
    static Options few_nodes() { return {.nodes_max = 2}; }

    void export_again(const std::string& path, Options options = few_nodes()) {
        files.reset();
        options.journal = journal_in(space / "journal", start_thread);
        auto opened = open(path, options);
        if (!opened) throw std::runtime_error{opened.error().reason};
        files = std::move(*opened);
    }
    [[nodiscard]] std::string memory_mounted() const {
        const auto path = space / "tmpfs";
        boost::filesystem::create_directory(path);
        mount_memory(path, "size=64m");
        return path;
    }
    NodePtr root() { return files->root().value(); }
    NodePtr make(std::string_view name, std::string_view text = "",
                 const Caller& by = root_caller) {
        auto file = root()->create(by, name, {.attributes = {.mode = 0666}}).value();
        if (!text.empty()) {
            EXPECT_EQ(file->write(by, 0, bytes_of(text)).value(), text.size());
        }
        return file;
    }
    /// The text of a file found by its id alone.
    std::string text_of(const ObjectId& id) {
        auto found = files->find(id, Patience::ample);
        return found ? read_all(**found, root_caller)
                     : std::make_error_code(found.error()).message();
    }

    /// Everything a client does, and then a look at it again after each of `restarts`.
    void works(const std::string& path, const std::vector<std::function<void()>>& restarts,
               bool inodes_show_their_age = true);

    TemporaryDirectory space{"/var/tmp"};
    std::unique_ptr<FileSystem> files;
};

void FileSystems::works(const std::string& path, const std::vector<std::function<void()>>& restarts,
                        bool inodes_show_their_age) {
    export_again(path);
    std::map<std::string, ObjectId> wanted;
    for (int n = 0; n < 50; ++n) {
        const auto name = "file-" + std::to_string(n);
        wanted[name] = make(name, "text of " + name)->id();
    }
    auto directory = root()->make_directory(root_caller, "directory", {.mode = 0755}).value();
    const auto directory_id = directory->id();
    for (int n = 0; n < 20; ++n) {
        const auto name = "file-" + std::to_string(n);
        EXPECT_TRUE(files->rename(root_caller, *root(), name, *directory, name));
    }
    EXPECT_TRUE(files->link(root_caller, *files->find(wanted["file-30"], Patience::ample).value(),
                            *root(), "link"));
    EXPECT_TRUE(root()->remove(root_caller, "file-30"));
    directory.reset();
    EXPECT_TRUE(files->rename(root_caller, *root(), "directory", *root(), "renamed"));
    auto link = root()->make_symbolic_link(root_caller, "symbolic", "somewhere", {});
    ASSERT_TRUE(link);
    EXPECT_EQ((*link)->read_link(root_caller).value(), "somewhere");
    EXPECT_TRUE(root()->make_special(root_caller, "fifo", {}));
    link = NodePtr{};
    EXPECT_EQ(error_of(root()->create(
                  root_caller, "exclusive",
                  {.mode = CreateMode::exclusive, .verifier = {std::byte{1}, std::byte{2}}})),
              std::errc{});
    auto sparse = make("sparse");
    constexpr std::uint64_t far = std::uint64_t{3} << 30;
    EXPECT_TRUE(sparse->write(root_caller, far, bytes_of("x")));
    EXPECT_EQ(sparse->attributes(Patience::ample)->size, far + 1);
    EXPECT_LT(sparse->attributes(Patience::ample)->used, std::uint64_t{1} << 20);
    EXPECT_TRUE(sparse->sync(Sync::all));
    sparse.reset();
    std::vector<ObjectId> gone;
    for (int n = 0; n < 20; ++n) {
        gone.push_back(make("short-lived", "old")->id());
        EXPECT_TRUE(root()->remove(root_caller, "short-lived"));
    }
    const auto last = make("short-lived", "new")->id();

    const auto look = [&] {
        for (const auto& [name, id] : wanted) ASSERT_EQ(text_of(id), "text of " + name);
        EXPECT_EQ(text_of(last), "new");
        for (const auto& id : gone) {
            if (inodes_show_their_age) {
                EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale);
            }
        }
        auto found = files->find(directory_id, Patience::ample);
        ASSERT_TRUE(found);
        std::set<std::string> names;
        EXPECT_TRUE((*found)->list(root_caller, 0, [&](const DirectoryEntry& entry) {
            names.emplace(entry.name);
            return true;
        }));
        EXPECT_EQ(names.size(), 22U);
        EXPECT_EQ((*found)->attributes(Patience::ample)->type, FileType::directory);
        EXPECT_GT(files->root(Patience::ample).value()->space(root_caller)->total_bytes, 0U);
    };
    look();
    for (const auto& restart : restarts) {
        files.reset();
        restart();
        export_again(path);
        look();
    }
}

class ImageFileSystems : public FileSystems, public ::testing::WithParamInterface<const char*> {
protected:
    // The least that mkfs wants.
    static unsigned mebibytes() {
        return std::map<std::string, unsigned>{{"ext4", 32}, {"xfs", 300}, {"btrfs", 120}}.at(
            GetParam());
    }
};

TEST_P(ImageFileSystems, WorkAndHandlesOutliveTheServerAndTheMachine) {
    in_child_process([this] {
        have_own_mounts();
        ImageMedium medium{space / "medium", GetParam(), mebibytes()};
        works(medium.path(), {[] {}, [&] { medium.mount_again(); }});
        EXPECT_NE(files->describe().find("kernel's file handles"), std::string::npos)
            << files->describe();
        files.reset();
    });
}

TEST_P(ImageFileSystems, SayWhenTheyAreFullAndLoseNothingThen) {
    in_child_process([this] {
        have_own_mounts();
        const ImageMedium medium{space / "medium", GetParam(), mebibytes()};
        export_again(medium.path());
        auto kept = make("kept", "acknowledged");
        EXPECT_TRUE(kept->sync(Sync::all));
        const auto losses = files->losses();
        auto filler = make("filler");
        const std::string block(1 << 20, 'x');
        std::errc said{};
        for (std::uint64_t offset = 0; said == std::errc{} && offset < (400ULL << 20);) {
            const auto written = filler->write(root_caller, offset, bytes_of(block));
            if (written) offset += *written;
            // Where space is only given at write-back, that is where it is missing.
            const auto synced = filler->sync(Sync::data);
            said = !written ? written.error() : error_of(synced);
        }
        EXPECT_EQ(said, std::errc::no_space_on_device);
        EXPECT_EQ(text_of(kept->id()), "acknowledged");
        EXPECT_TRUE(root()->remove(root_caller, "filler"));
        filler.reset();
        files->sweep();
        auto again = make("again");
        const auto roomy = [&] {
            return again->write(root_caller, 0, bytes_of(block)) && again->sync(Sync::all);
        };
        bool is_roomy = false;  // freed space may take the file system a moment
        for (int i = 0; i < 100 && !is_roomy; ++i) {
            files->sweep();
            is_roomy = roomy();
        }
        EXPECT_TRUE(is_roomy) << "space comes back";
        EXPECT_GE(files->losses(), losses);
        again.reset();
        kept.reset();
        files.reset();
    });
}

INSTANTIATE_TEST_SUITE_P(Kinds, ImageFileSystems, ::testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& kind) { return std::string{kind.param}; });

TEST_F(FileSystems, InMemoryWork) {
    in_child_process([this] {
        have_own_mounts();
        const auto path = memory_mounted();
        works(path, {[] {}});
        files.reset();
    });
}

// Unless there is swap space, which the contents could be in.
TEST_F(FileSystems, InMemoryAreReadWithoutWaiting) {
    in_child_process([this] {
        have_own_mounts();
        const auto path = memory_mounted();
        export_again(path);
        auto file = make("file", std::string(100'000, 'x'));
        std::array<std::byte, 16> into{};
        EXPECT_EQ(file->read(root_caller, 0, into).value(), 16U);
        struct sysinfo about {};
        ASSERT_EQ(::sysinfo(&about), 0);
        const auto hasty = not_waiting(root_caller);
        if (about.totalswap != 0) {
            EXPECT_EQ(error_of(file->read(hasty, 16, into)), would_block);
        } else {
            EXPECT_EQ(file->read(hasty, 16, into).value(), 16U);
            EXPECT_EQ(file->read(hasty, 99'990, into).value(), 10U);
        }
        file.reset();
        files.reset();
    });
}

TEST_F(FileSystems, OverlaysWork) {
    in_child_process([this] {
        have_own_mounts();
        const auto base = space / "overlay";
        for (const char* layer : {"", "/lower", "/upper", "/work", "/merged"})
            boost::filesystem::create_directory(base + layer);
        mount_memory(base + "/lower", "size=64m");
        write_local(base + "/lower/below", "below");
        const auto layers =
            "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work";
        ASSERT_EQ(::mount("overlay", (base + "/merged").c_str(), "overlay", 0, layers.c_str()), 0);
        works(base + "/merged", {[] {}});
        files.reset();
    });
}

TEST_F(FileSystems, InUserSpaceWorkAndHandlesOutliveTheServer) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        works(medium.path(), {[] {}}, false);
        EXPECT_NE(files->describe().find("journal"), std::string::npos) << files->describe();
        EXPECT_NE(files->describe().find("birth times"), std::string::npos) << files->describe();
        files.reset();
    });
}

TEST_F(FileSystems, AQuotaIsNotTheSameAsAFullDisk) {
    in_child_process([this] {
        have_own_mounts();
        ImageMedium medium{space / "medium", "btrfs", 120};
        medium.limit(4);
        export_again(medium.path());
        auto file = make("file", "", alice);
        const std::string block(64 << 10, 'x');
        std::errc said{};
        std::uint64_t offset = 0;
        while (said == std::errc{} && offset < (32U << 20)) {
            const auto written = file->write(alice, offset, bytes_of(block));
            if (written) offset += *written;
            said = error_of(written);
        }
        EXPECT_EQ(said, over_quota);
        EXPECT_GE(offset, 1U << 20);
        EXPECT_LE(offset, 4U << 20);
        file.reset();
        files.reset();
    });
}

// What a disk that fails says reaches the caller, and the next one learns that data may be lost.
TEST_F(FileSystems, ABrokenDiskIsSaid) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        export_again(medium.path());
        auto file = make("file", "good");
        EXPECT_TRUE(file->sync(Sync::all));
        const auto losses = files->losses();

        medium.fail({.write = EIO});
        EXPECT_EQ(error_of(file->write(root_caller, 0, bytes_of("bad"))), std::errc::io_error);
        medium.fail({.write = ENOSPC});
        EXPECT_EQ(error_of(file->write(root_caller, 0, bytes_of("bad"))),
                  std::errc::no_space_on_device);
        medium.fail({.write = EDQUOT});
        EXPECT_EQ(error_of(file->write(root_caller, 0, bytes_of("bad"))), over_quota);
        EXPECT_EQ(files->losses(), losses) << "what was refused was never promised";

        medium.fail({.sync = EIO});
        EXPECT_TRUE(file->write(root_caller, 0, bytes_of("lost")));
        EXPECT_EQ(error_of(file->sync(Sync::data)), std::errc::io_error);
        EXPECT_GT(files->losses(), losses);
        const auto now = files->losses();
        medium.fail({});
        EXPECT_TRUE(file->sync(Sync::data));
        EXPECT_EQ(files->losses(), now);
        EXPECT_EQ(text_of(file->id()), "lost");
        file.reset();
        files.reset();
    });
}

TEST_F(FileSystems, ABadSectorHidesNothingInFrontOfIt) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        constexpr std::size_t good = std::size_t{512} << 10;
        std::vector<std::byte> all(2 * good, std::byte{7});
        write_local(space / "medium/base/file", std::string(all.size(), 'x'));
        export_again(medium.path());
        const auto file = root()->lookup(root_caller, "file").value();
        medium.fail({.readable_bytes = good});
        EXPECT_EQ(file->read(root_caller, 0, all).value(), good);
        EXPECT_EQ(std::ranges::count(all, std::byte{'x'}), static_cast<std::ptrdiff_t>(good));
        EXPECT_EQ(error_of(file->read(root_caller, good, all)), std::errc::io_error);
        files.reset();
    });
}

TEST_F(FileSystems, ARemoteOneIsAskedForNothingByWhoMayNotWait) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        export_again(medium.path());
        EXPECT_TRUE(files->root(Patience::ample));
        EXPECT_EQ(error_of(files->root(Patience::none)), would_block);
        files.reset();
    });
}

}  // namespace
}  // namespace berth::vfs::posix
