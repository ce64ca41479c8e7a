// What an object is: on every kind of file system two that are two locally never share an id nor a
// number, one keeps its id while it lives, and nothing is ever read or written under another's id.
#include "tests/nfs/vfs/posix/objects.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix/system/object_identity.hpp"
#include "tests/media/medium.hpp"
#include "tests/support/becomes_true.hpp"

namespace berth::vfs::posix {
namespace {

// --- overlays -----------------------------------------------------------------------------------

/// Writing to one name changes no other, as for local processes.
class SplitLinks : public Objects {
protected:
    std::string merged_over_links() {
        have_own_mounts();
        make_links(directory("lower"));
        return overlay("merged", "lowerdir=" + directory("lower") + ",upperdir=" +
                                     directory("upper") + ",workdir=" + directory("work"));
    }
    void stay_apart(const std::string& path, bool has_handles) {
        serve(path, {.file_handles = has_handles});
        const auto first = at("first")->id();
        const auto second = at("second")->id();
        const auto third = at("third")->id();
        EXPECT_FALSE(first == second);
        const auto number = find(first)->attributes(Patience::ample)->fileid;
        for (const auto& [id, text] : {std::pair{first, "one"}, std::pair{third, "three"}}) {
            EXPECT_TRUE(find(id)->set_attributes(root_caller, {.size = 0}));
            EXPECT_TRUE(find(id)->write(root_caller, 0, bytes_of(text)));
        }
        EXPECT_EQ(find(first)->attributes(Patience::ample)->fileid, number);
        EXPECT_EQ(at("first")->id(), first);
        EXPECT_EQ(read_local(path + "/second"), "as it was");
        EXPECT_EQ(read_local(path + "/first"), "one");
        for (int time = 0; time < 2; ++time) {
            EXPECT_EQ(text_of(find(first)), "one");
            EXPECT_EQ(text_of(find(second)), "as it was");
            EXPECT_EQ(text_of(find(third)), "three");
            EXPECT_EQ(text_of(at("first")), "one");
            EXPECT_EQ(text_of(at("second")), "as it was");
            serve_forgetfully(path, has_handles);
        }
        files.reset();
    }
};

TEST_F(SplitLinks, StayApart) {
    in_child_process([this] { stay_apart(merged_over_links(), true); });
}

TEST_F(SplitLinks, StayApartWithoutAnyHandles) {
    in_child_process([this] { stay_apart(merged_over_links(), false); });
}

TEST_F(Objects, OfAnOverlayThatKeepsLinksTogetherAreOne) {
    in_child_process([this] {
        have_own_mounts();
        make_links(directory("lower"));
        const auto path = overlay("merged", "index=on,lowerdir=" + directory("lower") +
                                                ",upperdir=" + directory("upper") +
                                                ",workdir=" + directory("work"));
        serve(path);
        EXPECT_EQ(at("first")->id(), at("second")->id());
        EXPECT_TRUE(at("first")->write(root_caller, 0, bytes_of("TO")));
        EXPECT_EQ(text_of(at("second")), "TO it was");
        files.reset();
    });
}

/// Layers on one, two and three file systems, with equal inode numbers in them.
class Layers : public Objects, public ::testing::WithParamInterface<bool> {
protected:
    std::string memory(const std::string& name) {
        mount_memory(directory(name), "size=64m,mode=0777");
        return space / name;
    }
    void work(const std::string& path, bool is_writable) {
        std::vector<std::string> all{"low", "shadow/low"};
        serve_forgetfully(path, GetParam());
        if (is_writable) {
            for (const char* name : {"new", "shadow/new"}) {
                const std::string_view whole{name};
                const auto parent = whole.starts_with("shadow") ? at("shadow") : at("");
                auto made = parent->create(root_caller, whole.substr(whole.rfind('/') + 1),
                                           {.attributes = {.mode = 0666}});
                ASSERT_TRUE(made) << std::make_error_code(error_of(made)).message();
                EXPECT_TRUE((*made)->write(root_caller, 0, bytes_of(name)));
                all.emplace_back(name);
            }
        }
        auto with_directories = all;
        with_directories.emplace_back("shadow");
        with_directories.emplace_back("");
        are_different(with_directories);
        const auto low = at("low")->id();
        const auto number = at("low")->attributes(Patience::ample)->fileid;
        if (is_writable) {
            EXPECT_TRUE(at("low")->write(root_caller, 0, bytes_of("L")));  // copied up
            EXPECT_TRUE(at("low")->write(root_caller, 0, bytes_of("l")));
            EXPECT_EQ(at("low")->id(), low);
            EXPECT_EQ(at("low")->attributes(Patience::ample)->fileid, number);
        }
        serve_forgetfully(path, GetParam());
        EXPECT_EQ(text_of(find(low)), "low");
        EXPECT_EQ(at("low")->id(), low);
        are_different(with_directories);
        files.reset();
    }
    static void fill(const std::string& layer) {
        boost::filesystem::create_directory(layer + "/shadow");
        write_local(layer + "/low", "low");
        write_local(layer + "/shadow/low", "shadow/low");
    }
};

TEST_P(Layers, OnOneFileSystem) {
    in_child_process([this] {
        have_own_mounts();
        fill(directory("lower"));
        work(overlay("merged", "lowerdir=" + directory("lower") + ",upperdir=" +
                                   directory("upper") + ",workdir=" + directory("work")),
             true);
    });
}

TEST_P(Layers, OnTwoFileSystems) {
    in_child_process([this] {
        have_own_mounts();
        fill(memory("lower"));
        memory("upper");
        work(overlay("merged", "xino=off,lowerdir=" + (space / "lower") + ",upperdir=" +
                                   directory("upper/up") + ",workdir=" + directory("upper/work")),
             true);
    });
}

// The handles of btrfs are longer than an id has room for once an overlay has wrapped them.
TEST_P(Layers, WithLongHandlesBelow) {
    in_child_process([this] {
        have_own_mounts();
        const ImageMedium medium{space / "medium", "btrfs", 120};
        fill(medium.path());
        memory("upper");
        work(overlay("merged", "xino=off,lowerdir=" + medium.path() + ",upperdir=" +
                                   directory("upper/up") + ",workdir=" + directory("upper/work")),
             true);
    });
}

TEST_P(Layers, AllReadOnly) {
    in_child_process([this] {
        have_own_mounts();
        fill(memory("lower"));
        const auto other = memory("other");
        boost::filesystem::create_directory(other + "/shadow");
        work(overlay("merged", "xino=off,lowerdir=" + other + ":" + (space / "lower")), false);
    });
}

INSTANTIATE_TEST_SUITE_P(Handles, Layers, ::testing::Bool(), [](const auto& has_handles) {
    return std::string{has_handles.param ? "Compared" : "Unknown"};
});

// What is removed stays in its lower layer, and so does what the kernel counts there.
TEST_P(Layers, ThatAreLowerLoseWhatIsRemoved) {
    in_child_process([this] {
        have_own_mounts();
        fill(directory("lower"));
        make_links(directory("lower"));
        boost::filesystem::create_directory(space / "lower/empty");
        const auto path =
            overlay("merged", "lowerdir=" + directory("lower") + ",upperdir=" + directory("upper") +
                                  ",workdir=" + directory("work"));
        serve(path, {.file_handles = GetParam()});
        const auto file = at("low");
        const auto link = at("first");
        const auto empty = at("empty");
        const auto replaced = at("shadow/low");
        EXPECT_TRUE(at("")->remove(root_caller, "low"));
        boost::filesystem::remove(path + "/first");
        EXPECT_TRUE(at("")->remove_directory(root_caller, "empty"));
        write_local(path + "/shadow/other", "other");
        EXPECT_TRUE(files->rename(root_caller, *at("shadow"), "other", *at("shadow"), "low"));
        for (const auto& gone : {file, link, empty, replaced})
            EXPECT_EQ(error_of(gone->attributes(Patience::ample)), stale);
        EXPECT_EQ(text_of(at("second")), "as it was");
        EXPECT_EQ(text_of(at("shadow/low")), "other");
        // Of the upper layer, links are counted.
        auto made = at("")->create(root_caller, "one", {}).value();
        EXPECT_TRUE(files->link(root_caller, *made, *at(""), "two"));
        EXPECT_TRUE(at("")->remove(root_caller, "one"));
        EXPECT_EQ(text_of(at("two")), "");
        made.reset();
        files.reset();
    });
}

// --- file systems in user space
// -----------------------------------------------------------------

class EqualNumbers : public Objects, public ::testing::WithParamInterface<bool> {
protected:
    /// What a and b have in them has equal numbers.
    std::vector<std::string> make(const std::string& base) {
        std::vector<std::string> paths{""};
        for (const std::string name : {"a", "b"}) {
            boost::filesystem::create_directories(base + "/" + name + "/deep");
            paths.push_back(name);
            paths.push_back(name + "/deep");
            for (const std::string file : {"/f", "/g", "/deep/f"}) {
                write_local(base + "/" + name + file, name + file);
                paths.push_back(name + file);
            }
        }
        return paths;
    }
};

// Also where only the kernel knows which is which, while they are open.
TEST_P(EqualNumbers, AreToldApart) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium", FuseMedium::Numbers::equal};
        const auto paths = make(space / "medium/base");
        serve(medium.path(), {.file_handles = GetParam()});
        are_different(paths);
        for (const auto* const name : {"a", "b"}) {
            auto above = at(std::string{name} + "/deep")->lookup(root_caller, "..");
            ASSERT_TRUE(above);
            EXPECT_EQ((*above)->id(), at(name)->id());
        }
        const auto kept = at("b/f")->id();
        serve_forgetfully(medium.path(), GetParam());
        are_different(paths);
        EXPECT_EQ(at("b/f")->id(), kept) << "the same after a restart";
        EXPECT_TRUE(files->rename(root_caller, *at("b"), "f", *at("a"), "moved"));
        EXPECT_EQ(text_of(find(kept)), "b/f") << "and elsewhere";
        EXPECT_EQ(at("a/moved")->id(), kept);
        EXPECT_EQ(text_of(at("a/f")), "a/f");
        files.reset();
    });
}

INSTANTIATE_TEST_SUITE_P(Handles, EqualNumbers, ::testing::Bool(), [](const auto& has_handles) {
    return std::string{has_handles.param ? "Compared" : "Unknown"};
});

// A file system that goes by names shows, under the name of one that is held, what has replaced it.
TEST_F(Objects, ThatAreReplacedWhileTheyAreHeldAreGone) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        const auto base = space / "medium/base";
        write_local(base + "/f", "old");
        serve(medium.path());
        const auto old = at("f");
        EXPECT_EQ(text_of(old), "old");
        write_local(base + "/new", "new");
        boost::filesystem::rename(base + "/new", base + "/f");
        // The kernel keeps what it knows of the old one for a while.
        EXPECT_TRUE(berth::test::becomes_true(
            [&] { return error_of(old->attributes(Patience::ample)) == stale; }));
        EXPECT_EQ(error_of(old->write(root_caller, 0, bytes_of("lost"))), stale);
        EXPECT_NE(at("f")->id(), old->id());
        EXPECT_EQ(text_of(at("f")), "new");
        files.reset();
    });
}

// Its own directories are removed and made again locally and through the server, and get the
// numbers of what was there before.
TEST_F(Objects, ThatTakeTheNumberOfOneThatIsGoneAreNewOnes) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        const auto base = space / "medium/base";
        serve(medium.path());
        for (int time = 0; time < 5; ++time) {
            auto made = files->root().value()->make_directory(root_caller, "d", {.mode = 0777});
            ASSERT_TRUE(made);
            const auto old = (*made)->id();
            if (time % 2 == 0) {
                EXPECT_TRUE(files->root().value()->remove_directory(root_caller, "d"));
            } else {
                boost::filesystem::remove(base + "/d");
            }
            EXPECT_EQ(error_of((*made)->attributes(Patience::ample)), stale)
                << "not that it has no entry";
            boost::filesystem::create_directory(base + "/d");
            const auto now = at("d");
            EXPECT_TRUE(now->attributes(Patience::ample));
            EXPECT_TRUE(now->create(root_caller, "f", {}));
            // The local kernel itself takes one that is replaced locally for the same.
            if (time % 2 == 0) {
                EXPECT_FALSE(now->id() == old);
                EXPECT_FALSE(find(old) && find(old)->attributes(Patience::ample));
            }
            boost::filesystem::remove_all(base + "/d");
        }
        files.reset();
    });
}

// Then the kernel drops the object, and gives its mark to the new one.
TEST_F(Objects, ThatBecomeAnotherTypeAreNewOnes) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        const auto base = space / "medium/base";
        serve(medium.path());
        write_local(base + "/x", "a file");
        const auto file = at("x")->id();
        boost::filesystem::remove(base + "/x");
        boost::filesystem::create_directory(base + "/x");
        const auto directory = at("x");
        EXPECT_FALSE(directory->id() == file);
        EXPECT_EQ(directory->attributes(Patience::ample)->type, FileType::directory);
        EXPECT_TRUE(directory->create(root_caller, "f", {}));
        EXPECT_EQ(error_of(files->find(file, Patience::ample)), stale);
        boost::filesystem::remove_all(base + "/x");
        write_local(base + "/x", "again");
        EXPECT_EQ(text_of(at("x")), "again");
        EXPECT_FALSE(at("x")->id() == directory->id());
        files.reset();
    });
}

TEST_F(Objects, WithoutNumbersWorkAndAreNeverMixedUp) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium", FuseMedium::Numbers::made_up};
        const auto base = space / "medium/base";
        serve(medium.path());
        std::map<std::string, ObjectId> ids;
        for (int n = 0; n < 20; ++n) {
            const auto name = "file-" + std::to_string(n);
            write_local(base + "/" + name, name);
            ids[name] = at(name)->id();
        }
        for (const auto& [name, id] : ids) EXPECT_EQ(text_of(find(id)), name);
        serve_forgetfully(medium.path());
        for (const auto& [name, id] : ids) {
            const auto found = find(id);
            if (found) {
                EXPECT_EQ(text_of(found), name);
            }
            EXPECT_EQ(text_of(at(name)), name);
        }
        files.reset();
    });
}

TEST_F(Objects, KeepTheirIdUnderTheNameThatIsLeft) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium medium{space / "medium"};
        serve(medium.path());
        const auto root = files->root().value();
        auto file = root->create(root_caller, "unique", {.attributes = {.mode = 0666}}).value();
        const auto id = file->id();
        EXPECT_TRUE(file->write(root_caller, 0, bytes_of("text")));
        EXPECT_TRUE(files->link(root_caller, *file, *root, "lock"));
        EXPECT_TRUE(root->remove(root_caller, "lock"));
        file.reset();
        EXPECT_EQ(text_of(find(id)), "text");
        files.reset();
    });
}

// --- parts of one file system
// -------------------------------------------------------------------

TEST_F(Objects, OfSubvolumesAndSnapshotsAreInPartsOfTheirOwn) {
    in_child_process([this] {
        have_own_mounts();
        ImageMedium medium{space / "medium", "btrfs", 120};
        const auto path = medium.path();
        std::vector<std::string> paths{"", "file"};
        write_local(path + "/file", "file");
        for (const std::string name : {"one", "two"}) {
            run_command("btrfs subvolume create " + path + "/" + name);
            write_local(path + "/" + name + "/file", name + "/file");
            paths.push_back(name);
            paths.push_back(name + "/file");
        }
        run_command("btrfs subvolume snapshot " + path + "/one " + path + "/copy");
        write_local(path + "/copy/file", "copy/file");
        paths.emplace_back("copy");
        paths.emplace_back("copy/file");
        std::vector<bool> with_handles{true};
        // Without handles, only the kernel's word for a subvolume lasts (Linux 6.10).
        const auto seen = status(AT_FDCWD, (path + "/one").c_str());
        if (seen && (seen->stx_mask & wants_subvolume) != 0) with_handles.push_back(false);
        for (const bool has_handles : with_handles) {
            serve(path, {.file_handles = has_handles});
            are_different(paths);
            EXPECT_EQ(at("")->attributes(Patience::ample)->part, 0U);
            EXPECT_EQ(at("one/file")->lookup(root_caller, "x").error(), std::errc::not_a_directory);
            EXPECT_EQ(at("one")->lookup(root_caller, "..").value()->id(), at("")->id());
        }
        for (const bool has_handles : with_handles) {
            serve(path, {.file_handles = has_handles});
            std::map<std::string, ObjectId> ids;
            for (const auto& one : paths) ids[one] = at(one)->id();
            files.reset();
            medium.mount_again();
            // Their device numbers are given out as they are seen.
            for (const auto* const name : {"/two/file", "/copy/file", "/one/file"})
                EXPECT_TRUE(status(AT_FDCWD, (path + name).c_str()));
            serve_forgetfully(path, has_handles);
            for (const auto& [name, id] : ids) {
                if (!name.ends_with("file")) continue;
                EXPECT_EQ(text_of(find(id)), name);
            }
        }
        serve(path);
        const auto part = at("two/file")->attributes(Patience::ample)->part;
        const auto id = at("two/file")->id();
        files.reset();
        medium.mount_again();
        serve_forgetfully(path);
        are_different(paths);
        EXPECT_EQ(at("two")->attributes(Patience::ample)->part, part) << "the same after a restart";
        EXPECT_EQ(text_of(find(id)), "two/file");
        serve(path);
        const auto gone = at("two");
        const auto below = at("two/file");
        EXPECT_TRUE(below->attributes(Patience::ample));
        run_command("btrfs subvolume delete " + path + "/two");
        EXPECT_EQ(error_of(gone->attributes(Patience::ample)), stale);
        EXPECT_TRUE(berth::test::becomes_true(
            [&] { return error_of(files->find(id, Patience::ample)) == stale; }));
        files.reset();
    });
}

// In a snapshot, empty directories stand for the subvolumes of its original, all with one number.
TEST_F(Objects, ThatTheFileSystemItselfMixesUpAreRefused) {
    in_child_process([this] {
        have_own_mounts();
        const ImageMedium medium{space / "medium", "btrfs", 120};
        const auto path = medium.path();
        run_command("btrfs subvolume create " + path + "/s");
        run_command("btrfs subvolume create " + path + "/s/one");
        run_command("btrfs subvolume create " + path + "/s/two");
        run_command("btrfs subvolume snapshot " + path + "/s " + path + "/copy");
        serve(path);
        EXPECT_TRUE(at("s/one"));
        for (const char* name : {"one", "two"})
            EXPECT_EQ(error_of(at("copy")->lookup(root_caller, name)),
                      std::errc::operation_not_supported);
        const auto said = files->trouble();
        ASSERT_TRUE(said);
        EXPECT_NE(said->find("refused"), std::string::npos);
        EXPECT_FALSE(files->trouble()) << "once";
        files.reset();
    });
}

// --- one object through two exports
// -------------------------------------------------------------

TEST_F(Objects, ReachedThroughTwoExportsShareTheirLocks) {
    in_child_process([this] {
        have_own_mounts();
        directory("all/in");
        directory("bound");
        bind_mount(space / "all/in", space / "bound");
        const auto volumes = make_volumes();
        auto outer = std::move(open(space / "all", {.volumes = volumes}).value());
        auto inner = std::move(open(space / "all/in", {.volumes = volumes}).value());
        auto bound = std::move(open(space / "bound", {.volumes = volumes}).value());
        auto stranger = std::move(open(space / "all", {}).value());
        {
            const auto first = outer->root().value()->lookup(root_caller, "in").value();
            const auto second = inner->root().value();
            const auto third = bound->root().value();
            EXPECT_EQ(&first->change_lock(), &second->change_lock());
            EXPECT_EQ(&first->change_lock(), &third->change_lock());
            EXPECT_NE(&first->change_lock(), &outer->root().value()->change_lock());
            const auto elsewhere = stranger->root().value()->lookup(root_caller, "in").value();
            EXPECT_NE(&first->change_lock(), &elsewhere->change_lock());
        }
        EXPECT_EQ(outer->id_space(), bound->id_space());
        EXPECT_NE(outer->id_space(), stranger->id_space());
    });
}

TEST_F(Objects, LossesAreThoseOfTheFileSystem) {
    const auto volumes = make_volumes();
    directory("all/in");
    const auto failing = [](int, Sync) -> Result<void> { return std::errc::io_error; };
    auto outer =
        std::move(open(space / "all", {.volumes = volumes, .synchronize = failing}).value());
    auto inner = std::move(open(space / "all/in", {.volumes = volumes}).value());
    const auto before = inner->losses();
    EXPECT_EQ(error_of(outer->root().value()->sync(Sync::all)), std::errc::io_error);
    EXPECT_GT(inner->losses(), before);
}

TEST(Witnesses, SpeakForOneObject) {
    const Witness file{.handle = 0, .inode = 7, .birth = 8};
    EXPECT_TRUE(speaks_for_one(file, file));
    EXPECT_TRUE(speaks_for_one(file, {.inode = 7})) << "a birth that is not told";
    EXPECT_FALSE(speaks_for_one(file, {.inode = 7, .birth = 9}));
    EXPECT_FALSE(speaks_for_one(file, {.inode = 6, .birth = 8}));
    EXPECT_TRUE(speaks_for_one({.handle = 1, .inode = 2}, {.handle = 1, .inode = 3}));
    EXPECT_FALSE(speaks_for_one({.inode = 2}, {.inode = 3})) << "handles that are not told";
}

}  // namespace
}  // namespace berth::vfs::posix
