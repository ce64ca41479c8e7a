// One handle for an object as long as it lives, whichever of its names it is reached by and however
// these come and go, also while the server is down.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/filesystem/operations.hpp>

#include "tests/media/medium.hpp"
#include "tests/nfs/vfs/posix/objects.hpp"

namespace berth::vfs::posix {
namespace {

class Handles : public Objects {
protected:
    using Handle = std::pair<ObjectId, Way>;
    using Objects::find;

    static Handle handle_of(const NodePtr& node) { return {node->id(), node->way()}; }
    /// By LOOKUP and by READDIRPLUS.
    Handle handle_at(const std::string& directory, const std::string& name) {
        const auto above = at(directory);
        const auto listed = above->peek(root_caller, name).value();
        const auto handle = handle_of(above->lookup(root_caller, name).value());
        EXPECT_EQ(handle, (Handle{listed.id, listed.way})) << directory << "/" << name;
        return handle;
    }
    NodePtr find(const Handle& handle) {
        auto found = files->find(handle.first, handle.second, Patience::ample);
        return found ? *found : NodePtr{};
    }
    std::errc why_not(const Handle& handle) {
        return error_of(files->find(handle.first, handle.second, Patience::ample));
    }
    std::uint64_t number_of(const Handle& handle) {
        return find(handle)->attributes(Patience::ample)->fileid;
    }
    void make(const std::string& directory, const std::string& name) {
        auto made =
            at(directory)->create(root_caller, name, {.attributes = {.mode = 0666}}).value();
        EXPECT_TRUE(made->write(root_caller, 0, bytes_of(name)));
    }
    /// A client gives what is there another name.
    void link(const Handle& handle, const std::string& directory, const std::string& name) {
        const auto node = find(handle);
        ASSERT_TRUE(node) << name;
        const auto linked = files->link(root_caller, *node, *at(directory), name);
        EXPECT_TRUE(linked) << name << ": " << std::make_error_code(error_of(linked)).message();
    }
    void remove(const std::string& directory, const std::string& name) {
        EXPECT_TRUE(at(directory)->remove(root_caller, name)) << name;
    }
};

// --- files of an overlay's lower layer ----------------------------------------------------------

/// On one file system and on two, with handles to compare and without any.
class LowerFiles : public Handles, public ::testing::WithParamInterface<std::pair<unsigned, bool>> {
protected:
    void make_layers() {
        have_own_mounts();
        for (const char* name : {"lower", "upper", "merged"}) directory(name);
        if (GetParam().first == 2) mount_memory(space / "lower", "size=16m,mode=0777");
        mount_memory(space / "upper", "size=16m,mode=0777");
        lower = GetParam().first == 2 ? space / "lower" : directory("upper/lower");
        for (const char* name : {"a", "b", "c"}) write_local(lower + "/" + name, name);
        merged = overlay("merged", "lowerdir=" + lower + ",upperdir=" + directory("upper/up") +
                                       ",workdir=" + directory("upper/work"));
        start();
    }
    void start() { serve(merged, {.file_handles = GetParam().second}); }

    std::string lower;
    std::string merged;
};

INSTANTIATE_TEST_SUITE_P(Layers, LowerFiles,
                         ::testing::Values(std::pair{1U, true}, std::pair{2U, true},
                                           std::pair{1U, false}, std::pair{2U, false}),
                         [](const auto& parameter) {
                             return std::string{parameter.param.first == 1 ? "OnOne" : "OnTwo"} +
                                    (parameter.param.second ? "Compared" : "Unknown");
                         });

TEST_P(LowerFiles, KeepTheirHandleWhenClientsLinkThem) {
    in_child_process([this] {
        make_layers();
        const auto a = handle_at("", "a");
        const auto number = number_of(a);
        link(a, "", "al");
        for (int time = 0; time < 2; ++time) {
            EXPECT_EQ(handle_at("", "a"), a);
            EXPECT_EQ(handle_at("", "al"), a);
            EXPECT_EQ(number_of(a), number);
            start();
            EXPECT_EQ(text_of(find(a)), "a");
        }
        EXPECT_TRUE(find(a)->write(root_caller, 0, bytes_of("A")));
        EXPECT_EQ(text_of(at("al")), "A");
        remove("", "a");
        EXPECT_EQ(text_of(find(a)), "A") << "at once";
        EXPECT_EQ(handle_at("", "al"), a);
        EXPECT_EQ(number_of(a), number);
        remove("", "al");
        EXPECT_EQ(why_not(a), stale);
        files.reset();
    });
}

TEST_P(LowerFiles, KeepTheirHandleWhenTheyAreLinkedLocally) {
    in_child_process([this] {
        make_layers();
        const auto a = handle_at("", "a");
        const auto b = handle_at("", "b");
        boost::filesystem::create_hard_link(merged + "/a", merged + "/al");
        EXPECT_EQ(handle_at("", "al"), a) << "seen first";
        EXPECT_EQ(handle_at("", "a"), a);
        boost::filesystem::remove(merged + "/a");
        EXPECT_EQ(text_of(find(a)), "a") << "not only in the next call";
        files.reset();
        boost::filesystem::create_hard_link(merged + "/b", merged + "/bl");
        start();
        EXPECT_EQ(text_of(find(a)), "a");
        EXPECT_EQ(handle_at("", "al"), a);
        EXPECT_EQ(text_of(find(b)), "b");
        EXPECT_EQ(handle_at("", "b"), b);
        // Without handles nothing tells whose name it is, unless it was held open before.
        if (GetParam().second) {
            EXPECT_EQ(handle_at("", "bl"), b);
        }
        files.reset();
    });
}

TEST_P(LowerFiles, KeepTheirHandleWhenOneOfTheirNamesIsRenamed) {
    in_child_process([this] {
        make_layers();
        const auto a = handle_at("", "a");
        link(a, "", "al");
        EXPECT_TRUE(files->rename(root_caller, *at(""), "a", *at(""), "other"));
        remove("", "al");
        EXPECT_EQ(handle_at("", "other"), a);
        start();
        EXPECT_EQ(text_of(find(a)), "a");
        EXPECT_EQ(handle_at("", "other"), a);
        files.reset();
    });
}

// Nobody may change a layer that is in use; but whoever does must not see files mixed up.
TEST_P(LowerFiles, AreNeverTakenForLinksThatTheirLayerGetsLater) {
    in_child_process([this] {
        make_layers();
        const auto a = handle_at("", "a");
        const auto b = handle_at("", "b");
        link(b, "", "bl");
        for (const char* name : {"a", "b", "c"})
            boost::filesystem::create_hard_link(lower + "/" + name,
                                                lower + "/" + name + std::string{"2"});
        for (int time = 0; time < 2; ++time) {
            const auto other = handle_at("", "a2");
            EXPECT_NE(other.first, a.first);
            EXPECT_NE(handle_at("", "a").first, other.first);
            EXPECT_NE(handle_at("", "b2").first, b.first);
            EXPECT_NE(handle_at("", "b").first, handle_at("", "b2").first);
            EXPECT_NE(handle_at("", "c").first, handle_at("", "c2").first);
            ASSERT_TRUE(find(other)->write(root_caller, 0, bytes_of("X")));
            EXPECT_EQ(read_local(merged + "/a2"), "X");
            EXPECT_EQ(read_local(merged + "/a"), "a");
            const auto again = find(a);
            EXPECT_EQ(again ? text_of(again) : "a", "a");
            start();
        }
        files.reset();
    });
}

// --- names in several directories of a file system that opens handles ---------------------------

class Ways : public Handles, public ::testing::WithParamInterface<std::string> {
protected:
    /// A directory that things can be moved out of.
    void make_tree(const std::string& name = "medium") {
        have_own_mounts();
        medium.emplace(space / name, GetParam(), GetParam() == "btrfs" ? 120 : 32);
        exported = medium->path() + "/exported";
        for (const char* below : {"/one", "/two", "/three"})
            boost::filesystem::create_directories(exported + below);
        serve(exported);
        ASSERT_TRUE(files->has_kernel_handles());
    }

    std::optional<ImageMedium> medium;
    std::string exported;
};

INSTANTIATE_TEST_SUITE_P(FileSystems, Ways, ::testing::Values("ext4", "btrfs"),
                         [](const auto& kind) { return kind.param; });

TEST_P(Ways, StayTheSameWhenAClientMovesOrLinksAFile) {
    in_child_process([this] {
        make_tree();
        make("one", "moved");
        const auto moved = handle_at("one", "moved");
        EXPECT_TRUE(files->rename(root_caller, *at("one"), "moved", *at("two"), "here"));
        make("one", "linked");
        const auto linked = handle_at("one", "linked");
        link(linked, "two", "also");
        for (int time = 0; time < 2; ++time) {
            EXPECT_EQ(handle_at("two", "here"), moved);
            EXPECT_EQ(handle_at("two", "also"), linked) << "by the later name first";
            EXPECT_EQ(handle_at("one", "linked"), linked);
            EXPECT_EQ(text_of(find(moved)), "moved");
            serve(exported);
        }
        EXPECT_TRUE(files->rename(root_caller, *at("two"), "here", *at("two"), "here too"));
        serve(exported);
        EXPECT_EQ(text_of(find(moved)), "moved") << "before anything was looked up";
        EXPECT_TRUE(files->rename(root_caller, *at("two"), "here too", *at("two"), "here"));
        serve(exported);
        EXPECT_EQ(text_of(find(moved)), "moved");
        // Moved on, and back.
        EXPECT_TRUE(files->rename(root_caller, *at("two"), "here", *at("three"), "there"));
        serve(exported);
        EXPECT_EQ(handle_at("three", "there"), moved);
        EXPECT_TRUE(files->rename(root_caller, *at("three"), "there", *at("one"), "moved"));
        serve(exported);
        EXPECT_EQ(text_of(find(moved)), "moved");
        EXPECT_EQ(handle_at("one", "moved"), moved);
        files.reset();
    });
}

TEST_P(Ways, OfAFileThatIsLinkedLocallyStayTheSameOnceThatWasSeen) {
    in_child_process([this] {
        make_tree();
        make("one", "first");
        const auto first = handle_at("one", "first");
        boost::filesystem::create_hard_link(exported + "/one/first", exported + "/two/second");
        EXPECT_EQ(handle_at("two", "second"), first);
        serve(exported);
        EXPECT_EQ(handle_at("two", "second"), first);
        boost::filesystem::remove(exported + "/one/first");
        serve(exported);
        EXPECT_EQ(text_of(find(first)), "first");
        EXPECT_EQ(handle_at("two", "second"), first);
        files.reset();
    });
}

TEST_P(Ways, LeadToTheNameThatIsLeftWhenOneIsRemoved) {
    for (const bool is_local : {false, true}) {
        in_child_process([this, is_local] {
            make_tree(is_local ? "local" : "client");
            make("one", "a");
            const auto file = handle_at("one", "a");
            link(file, "two", "b");
            serve(exported);
            EXPECT_EQ(handle_at("two", "b"), file);
            EXPECT_EQ(text_of(find(file)), "a");
            if (is_local) {
                boost::filesystem::remove(exported + "/two/b");
            } else {
                remove("two", "b");
            }
            link(file, "three", "c");
            EXPECT_EQ(handle_at("three", "c"), file);
            serve(exported);
            EXPECT_EQ(text_of(find(file)), "a");
            files.reset();
        });
    }
}

TEST_P(Ways, LeadNowhereWhenAllNamesAreMovedOut) {
    in_child_process([this] {
        make_tree();
        make("one", "a");
        const auto file = handle_at("one", "a");
        link(file, "two", "b");
        EXPECT_EQ(handle_at("two", "b"), file);
        boost::filesystem::rename(exported + "/one/a", medium->path() + "/a");
        boost::filesystem::rename(exported + "/two/b", medium->path() + "/b");
        serve(exported);
        EXPECT_EQ(why_not(file), stale);
        boost::filesystem::rename(medium->path() + "/b", exported + "/three/b");
        EXPECT_EQ(handle_at("three", "b").first, file.first);
        EXPECT_EQ(text_of(find(file)), "a");
        files.reset();
    });
}

// --- file systems in user space -----------------------------------------------------------------

TEST_F(Handles, LeadToTheOtherNameInTheSameCall) {
    in_child_process([this] {
        have_own_mounts();
        const FuseMedium fuse{space / "medium"};
        const auto base = space / "medium/base";
        for (const char* name : {"/one", "/two"}) boost::filesystem::create_directory(base + name);
        serve(fuse.path());
        make("one", "a");
        const auto file = handle_at("one", "a");
        link(file, "two", "b");
        for (const char* removed : {"/two/b", "/one/a"}) {
            serve(fuse.path());
            EXPECT_EQ(text_of(find(file)), "a");
            boost::filesystem::remove(fuse.path() + removed);
            const auto found = find(file);
            const bool is_last = removed == std::string_view{"/one/a"};
            EXPECT_EQ(text_of(found), is_last ? "stale" : "a");
        }
        files.reset();
    });
}

}  // namespace
}  // namespace berth::vfs::posix
