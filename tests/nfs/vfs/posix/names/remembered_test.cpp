// Objects found again by the names they were last seen under: where handles cannot be opened, and
// always verified.

#include <array>

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

// So few nodes that nearly every find() goes by names.
class RememberedByName : public ExportedDirectory {
protected:
    RememberedByName() : ExportedDirectory({.nodes_max = 1, .kernel_handles = false}) {}

    // Makes the cache forget everything that is not held.
    void forget() {
        write_local(local / "distraction 1", "");
        write_local(local / "distraction 2", "");
        for (int n = 0; n < 4; ++n) lookup("distraction " + std::to_string(n % 2 + 1));
    }
    Result<NodePtr> find(const ObjectId& id) {
        forget();
        return files->find(id, Patience::ample);
    }
    std::string text_of(const ObjectId& id) {
        auto found = find(id);
        return found ? read_all(**found, root_caller) : "error";
    }
};

TEST_F(RememberedByName, FindsWhatWasLookedUpMadeOrPeekedAt) {
    write_local(local / "f", "f");
    write_local(local / "g", "g");
    const auto looked_up = lookup("f")->id();
    const auto peeked = root()->peek(root_caller, "g")->id;
    const auto made = create(root_caller, "h")->id();
    write_local(local / "h", "h");
    EXPECT_EQ(text_of(looked_up), "f");
    EXPECT_EQ(text_of(peeked), "g");
    EXPECT_EQ(text_of(made), "h");
    EXPECT_EQ(find(root()->id()).value(), root());
}

TEST_F(RememberedByName, ListingADirectoryLeavesItsOwnNameKnown) {
    auto outer = make_directory(root_caller, "outer");
    auto inner = outer->make_directory(root_caller, "inner", {}).value();
    const auto outer_id = outer->id();
    const auto inner_id = inner->id();
    for (const auto* name : {".", ".."}) {
        EXPECT_TRUE(inner->peek(root_caller, name));
        EXPECT_TRUE(inner->lookup(root_caller, name));
        EXPECT_TRUE(outer->peek(root_caller, name));
    }
    inner.reset();
    outer.reset();
    EXPECT_TRUE(find(inner_id));
    EXPECT_TRUE(find(outer_id));
}

TEST_F(RememberedByName, FollowsRenamesOfTheObjectAndOfItsParents) {
    auto outer = make_directory(root_caller, "outer");
    auto inner = outer->make_directory(root_caller, "inner", {}).value();
    const auto id = inner->create(root_caller, "f", {}).value()->id();
    write_local(local / "outer/inner/f", "text");
    inner.reset();
    EXPECT_TRUE(files->rename(root_caller, *root(), "outer", *root(), "renamed"));
    outer.reset();
    EXPECT_EQ(text_of(id), "text");
    inner = lookup("renamed")->lookup(root_caller, "inner").value();
    EXPECT_TRUE(files->rename(root_caller, *inner, "f", *root(), "moved"));
    inner.reset();
    EXPECT_EQ(text_of(id), "text");
}

TEST_F(RememberedByName, AnotherObjectUnderTheSameNameIsNotTaken) {
    write_local(local / "f", "first");
    const auto id = lookup("f")->id();
    write_local(local / "g", "second");
    boost::filesystem::rename(local / "g", local / "f");
    EXPECT_EQ(error_of(find(id)), stale);
    EXPECT_EQ(read_all(*lookup("f"), root_caller), "second");
}

TEST_F(RememberedByName, ASymbolicLinkInTheWayIsNotFollowed) {
    TemporaryDirectory outside;
    auto directory = make_directory(root_caller, "d");
    const auto id = directory->create(root_caller, "f", {}).value()->id();
    directory.reset();
    boost::filesystem::rename(local / "d", outside / "d");
    boost::filesystem::create_directory_symlink(outside / "d", local / "d");
    EXPECT_EQ(error_of(find(id)), stale);
}

TEST_F(RememberedByName, RemovedMeansStale) {
    const auto id = create(root_caller, "f")->id();
    EXPECT_TRUE(root()->remove(root_caller, "f"));
    EXPECT_EQ(error_of(find(id)), stale);
    auto directory = make_directory(root_caller, "d");
    const auto directory_id = directory->id();
    directory.reset();
    EXPECT_TRUE(root()->remove_directory(root_caller, "d"));
    EXPECT_EQ(error_of(find(directory_id)), stale);
}

// Each id that was ever given out means its own object or nothing, however often inodes are used
// again.
TEST_F(RememberedByName, ReusedInodesGetNewIds) {
    std::vector<ObjectId> gone;
    for (int n = 0; n < 50; ++n) {
        gone.push_back(create(root_caller, "f")->id());
        EXPECT_TRUE(root()->remove(root_caller, "f"));
    }
    create(root_caller, "f");
    for (const auto& id : gone) EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale);
}

TEST_F(RememberedByName, AHardLinkIsAnotherWayToTheObject) {
    auto file = create(root_caller, "f");
    const auto id = file->id();
    EXPECT_TRUE(files->link(root_caller, *file, *root(), "g"));
    file.reset();
    write_local(local / "g", "text");
    EXPECT_TRUE(root()->remove(root_caller, "f"));
    EXPECT_EQ(text_of(id), "text");
}

TEST_F(RememberedByName, AnyNameThatIsLeftIsAWayToTheObject) {
    auto file = create(root_caller, "1");
    const auto id = file->id();
    auto directory = make_directory(root_caller, "d");
    const std::vector<std::string> names{"2", "3", "4", "5"};
    for (const auto& name : names) EXPECT_TRUE(files->link(root_caller, *file, *directory, name));
    write_local(local / "1", "text");
    file.reset();
    EXPECT_TRUE(directory->remove(root_caller, "5"));
    EXPECT_EQ(text_of(id), "text");
    boost::filesystem::remove(local / "d/3");
    boost::filesystem::remove(local / "d/4");
    EXPECT_EQ(text_of(id), "text");
    directory.reset();
    boost::filesystem::rename(local / "d", local / "elsewhere");
    EXPECT_EQ(text_of(id), "text") << "by its first name";
    EXPECT_TRUE(files->rename(root_caller, *root(), "1", *root(), "other"));
    EXPECT_EQ(text_of(id), "text");
    EXPECT_TRUE(root()->remove(root_caller, "other"));
    EXPECT_EQ(error_of(find(id)), stale) << "nobody has seen the last one";
    EXPECT_EQ(lookup("elsewhere")->lookup(root_caller, "2").value()->id(), id);
    EXPECT_EQ(text_of(id), "text");
}

TEST_F(RememberedByName, ARenameThatFailsLeavesTheNamesAsTheyWere) {
    const auto id = create(root_caller, "f")->id();
    make_directory(root_caller, "d");
    write_local(local / "f", "text");
    EXPECT_FALSE(files->rename(root_caller, *root(), "f", *root(), "d"));
    EXPECT_EQ(text_of(id), "text");
    EXPECT_TRUE(find(lookup("d")->id()));
}

TEST_F(RememberedByName, ALongWayDown) {
    auto directory = root();
    for (int level = 0; level < 300; ++level) {
        directory = directory->make_directory(root_caller, "deeper", {}).value();
    }
    const auto id = directory->create(root_caller, "f", {}).value()->id();
    directory.reset();
    EXPECT_TRUE(find(id));
    EXPECT_EQ(error_of(files->find(id, Patience::none)), std::errc{});
}

TEST_F(RememberedByName, IdsThatCannotBeAreRefused) {
    for (const std::size_t size : {0U, 1U, 2U, 42U}) {
        const std::vector<std::byte> bytes(size, std::byte{0x55});
        EXPECT_EQ(error_of(files->find(ObjectId{bytes}, Patience::ample)),
                  std::errc::invalid_argument);
    }
}

class NameCeiling : public ExportedDirectory {
protected:
    NameCeiling()
        : ExportedDirectory({.nodes_max = 1, .names_in_memory_max = 10, .kernel_handles = false}) {}
};

TEST_F(NameCeiling, TheLongestUnusedAreForgotten) {
    auto directory = make_directory(root_caller, "d");
    std::vector<ObjectId> ids;
    for (int n = 0; n < 30; ++n) {
        ids.push_back(directory->create(root_caller, std::to_string(n), {}).value()->id());
    }
    const auto directory_id = directory->id();
    directory.reset();
    EXPECT_TRUE(files->find(ids.back(), Patience::ample));
    EXPECT_EQ(error_of(files->find(ids.front(), Patience::ample)), stale);
    EXPECT_TRUE(files->find(directory_id, Patience::ample)) << "in use through its entries";
}

// --- without privileges
// ---------------------------------------------------------------------------

class Unprivileged : public ExportedDirectory {
protected:
    void as_ordinary_user(const std::function<void()>& body) {
        EXPECT_EQ(::chown(local.path().c_str(), 1000, 1000), 0);
        in_child_process([&] {
            become_ordinary_user(1000);
            open_again({.nodes_max = 1});
            body();
        });
    }
};

TEST_F(Unprivileged, NamesAreRememberedAndEverybodyIsTheServersUser) {
    write_local(local / "f", "text");
    as_ordinary_user([&] {
        EXPECT_NE(files->describe().find("names"), std::string::npos) << files->describe();
        EXPECT_NE(files->describe().find("uid 1000"), std::string::npos) << files->describe();
        const auto id = lookup("f")->id();
        for (int n = 0; n < 5; ++n) create(bob, "g" + std::to_string(n));
        EXPECT_EQ(lookup("g0")->attributes(Patience::ample)->uid, 1000U);
        EXPECT_EQ(read_all(*files->find(id, Patience::ample).value(), bob), "text");
        EXPECT_TRUE(lookup("g0")->set_attributes(bob, {.mode = 0600, .size = 5}));
        EXPECT_TRUE(lookup("g0")->set_attributes(bob, {.modified = NewTime{}}));
        EXPECT_TRUE(lookup("g0")->sync(Sync::all));
        EXPECT_TRUE(root()->sync(Sync::all));
        EXPECT_TRUE(root()->make_special(bob, "p", {}));
        EXPECT_TRUE(files->link(bob, *lookup("p"), *root(), "p2"));
        EXPECT_EQ(error_of(lookup("g0")->set_attributes(root_caller, {.uid = 0})),
                  std::errc::operation_not_permitted);
    });
}

TEST_F(Unprivileged, TheOwnerStillReadsAndWritesWhateverTheModeSays) {
    as_ordinary_user([&] {
        auto file = create(alice, "f", 0444);
        EXPECT_TRUE(file->write(alice, 0, std::as_bytes(std::span("x", 1))));
        file.reset();
        for (int n = 0; n < 5; ++n) create(alice, "other" + std::to_string(n));
        file = lookup("f");
        EXPECT_TRUE(file->write(alice, 1, std::as_bytes(std::span("y", 1)))) << "opened again";
        EXPECT_EQ(file->attributes(Patience::ample)->mode, 0444U);
        EXPECT_TRUE(file->set_attributes(alice, {.mode = 0}));
        file.reset();
        for (int n = 0; n < 5; ++n) lookup("other" + std::to_string(n));
        file = lookup("f");
        EXPECT_EQ(read_all(*file, alice), "xy");
        EXPECT_EQ(file->attributes(Patience::ample)->mode, 0U);
    });
}

TEST_F(Unprivileged, OthersFilesStayTheirs) {
    write_local(local / "roots", "secret");
    ::chmod((local / "roots").c_str(), 0600);
    as_ordinary_user([&] {
        auto file = lookup("roots");
        std::array<std::byte, 4> bytes{};
        EXPECT_EQ(error_of(file->read(root_caller, 0, bytes)), denied);
        EXPECT_EQ(error_of(file->write(root_caller, 0, bytes)), denied);
        EXPECT_EQ(file->access(root_caller, may_read | may_write).value(), 0);
        EXPECT_TRUE(file->sync(Sync::data)) << "by way of the whole file system";
    });
}

TEST_F(Unprivileged, RootWithoutTheCapabilitiesToBecomeOthersIsNotTrustedTo) {
    write_local(local / "f", "text");
    in_child_process([&] {
        forbid_system_calls({SYS_setgroups}, std::errc::operation_not_permitted);
        open_again({});
        EXPECT_NE(files->describe().find("uid 0"), std::string::npos) << files->describe();
        create(alice, "g");
        EXPECT_EQ(local_status(local / "g").st_uid, 0U);
    });
}

// A container's root: may become others, but may not open handles.
TEST_F(Unprivileged, WithoutHandlesCallersStillActAsThemselves) {
    in_child_process([&] {
        forbid_system_calls({SYS_open_by_handle_at}, std::errc::operation_not_permitted);
        open_again({});
        EXPECT_NE(files->describe().find("names"), std::string::npos);
        EXPECT_EQ(files->describe().find("every caller"), std::string::npos);
        create(alice, "f");
        EXPECT_EQ(local_status(local / "f").st_uid, 1000U);
    });
}

TEST_F(Unprivileged, FileSystemsWithoutHandlesAreToldApartByInodeAndBirth) {
    in_child_process([&] {
        forbid_system_calls({SYS_name_to_handle_at}, std::errc::operation_not_supported);
        open_again({.nodes_max = 1});
        std::vector<ObjectId> gone;
        for (int n = 0; n < 20; ++n) {
            gone.push_back(create(alice, "f")->id());
            EXPECT_EQ(root()->peek(alice, "f")->id, gone.back());
            EXPECT_TRUE(root()->remove(alice, "f"));
        }
        const auto id = create(alice, "g")->id();
        create(alice, "h");
        EXPECT_TRUE(files->find(id, Patience::ample));
        for (const auto& one : gone) EXPECT_EQ(error_of(files->find(one, Patience::ample)), stale);
    });
}

// Modifying a file of the lower layer, or making something in a directory of it, gives both a new
// time of birth. Handles that clients have must not notice.
TEST_F(Unprivileged, OverlayedFilesStayThemselvesWhenTheyAreCopiedUp) {
    for (const bool with_identifiers : {true, false}) {
        in_child_process([&] {
            have_own_mounts();
            const auto base = local / (with_identifiers ? "first" : "second");
            for (const char* layer : {"", "/lower", "/lower/d", "/upper", "/work", "/merged"}) {
                boost::filesystem::create_directory(base + layer);
            }
            write_local(base + "/lower/f", "text");
            const auto layers =
                "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work";
            ASSERT_EQ(::mount("overlay", (base + "/merged").c_str(), "overlay", 0, layers.c_str()),
                      0);
            if (!with_identifiers) {
                forbid_system_calls({SYS_name_to_handle_at}, std::errc::operation_not_supported);
            }
            auto exported = open(base + "/merged", {.nodes_max = 1}).value();
            auto top = exported->root().value();
            auto text_of = [&](const ObjectId& id) {
                return read_all(*exported->find(id, Patience::ample).value(), root_caller);
            };
            const auto file = top->lookup(root_caller, "f").value()->id();
            const auto directory = top->lookup(root_caller, "d").value()->id();
            EXPECT_EQ(text_of(file), "text");
            auto found = exported->find(file, Patience::ample).value();
            EXPECT_TRUE(found->write(root_caller, 0, std::as_bytes(std::span("T", 1))));
            found.reset();
            auto below = exported->find(directory, Patience::ample).value();
            const auto made = below->create(root_caller, "new", {}).value()->id();
            below.reset();
            EXPECT_EQ(text_of(file), "Text");
            EXPECT_EQ(text_of(made), "");
            EXPECT_EQ(top->lookup(root_caller, "f").value()->id(), file);
            EXPECT_EQ(top->lookup(root_caller, "d").value()->id(), directory);
            EXPECT_EQ(top->peek(root_caller, "d")->id, directory);
        });
    }
}

}  // namespace
}  // namespace berth::vfs::posix
