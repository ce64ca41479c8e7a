// Making, linking, renaming and removing.
#include <array>

#include <fcntl.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using Creating = ExportedDirectory;
using Removing = ExportedDirectory;
using Renaming = ExportedDirectory;
using Linking = ExportedDirectory;

constexpr auto exists = std::errc::file_exists;

TEST_F(Creating, ModesAreTheCallers) {
    EXPECT_EQ(create(alice, "f", 0777)->attributes(Patience::ample)->mode, 0777U);
    EXPECT_EQ(create(alice, "g", 06711)->attributes(Patience::ample)->mode, 06711U);
    EXPECT_EQ(create(alice, "h", 0)->attributes(Patience::ample)->mode, 0U);
    EXPECT_EQ(make_directory(alice, "d", 03777)->attributes(Patience::ample)->mode, 03777U);
    auto fifo = root()->make_special(alice, "p", {.attributes = {.mode = 0666}}).value();
    EXPECT_EQ(fifo->attributes(Patience::ample)->mode, 0666U);
    EXPECT_EQ(root()->create(alice, "i", {}).value()->attributes(Patience::ample)->mode, 0600U);
}

TEST_F(Creating, GuardedTakesNothingThatExists) {
    create(alice, "f");
    make_directory(alice, "d");
    boost::filesystem::create_symlink("nowhere", local / "l");
    for (const char* name : {"f", "d", "l", ".", ".."}) {
        EXPECT_EQ(error_of(root()->create(alice, name, {.mode = CreateMode::guarded})), exists)
            << name;
        EXPECT_EQ(error_of(root()->make_directory(alice, name, {})), exists) << name;
        EXPECT_EQ(error_of(root()->make_symbolic_link(alice, name, "t", {})), exists) << name;
        EXPECT_EQ(error_of(root()->make_special(alice, name, {})), exists) << name;
    }
}

TEST_F(Creating, UncheckedTakesAnExistingFileAndSetsItsSizeOnly) {
    auto file = create(alice, "f", 0640);
    write_local(local / "f", "hello");
    auto again = root()->create(alice, "f", {.attributes = {.mode = 0777, .uid = 5, .size = 2}});
    EXPECT_EQ(again.value(), file);
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0640U);
    EXPECT_EQ(file->attributes(Patience::ample)->uid, 1000U);
    EXPECT_EQ(read_local(local / "f"), "he");
    EXPECT_EQ(root()->create(bob, "f", {}).value(), file) << "nothing to set, nothing to permit";
    EXPECT_EQ(error_of(root()->create(bob, "f", {.attributes = {.size = 0}})),
              std::errc::permission_denied);
    make_directory(alice, "d");
    EXPECT_EQ(root()->create(alice, "d", {}).value(), root()->lookup(alice, "d").value());
}

TEST_F(Creating, EveryAttributeIsSet) {
    auto file = root()->create(root_caller, "f",
                               {.mode = CreateMode::guarded,
                                .attributes = {.mode = 06750,
                                               .uid = 1000,
                                               .gid = 1001,
                                               .size = 10,
                                               .accessed = NewTime{Time{5, 0}},
                                               .modified = NewTime{Time{6, 0}}}});
    const auto found = file.value()->attributes(Patience::ample).value();
    EXPECT_EQ(found.mode, 06750U);
    EXPECT_EQ(found.uid, 1000U);
    EXPECT_EQ(found.gid, 1001U);
    EXPECT_EQ(found.size, 10U);
    EXPECT_EQ(found.accessed, (Time{5, 0}));
    EXPECT_EQ(found.modified, (Time{6, 0}));
}

TEST_F(Creating, WhatCannotBeFinishedIsRemovedAgain) {
    const NewAttributes impossible{.modified = NewTime{Time{0, 1'000'000'000}}};
    constexpr auto refused = std::errc::invalid_argument;
    EXPECT_EQ(error_of(root()->create(alice, "x", {.attributes = impossible})), refused);
    EXPECT_EQ(error_of(root()->make_directory(alice, "x", impossible)), refused);
    EXPECT_EQ(error_of(root()->make_symbolic_link(alice, "x", "t", impossible)), refused);
    EXPECT_EQ(error_of(root()->make_special(alice, "x", {.attributes = impossible})), refused);
    EXPECT_TRUE(boost::filesystem::is_empty(local.path()));
}

TEST_F(Creating, OwnersThatMayNotBeGivenAreLeftOut) {
    const NewAttributes others{.mode = 0640, .uid = 1001, .gid = 1001};
    auto file = root()->create(alice, "f", {.attributes = others}).value();
    auto directory = root()->make_directory(alice, "d", others).value();
    auto link = root()->make_symbolic_link(alice, "l", "t", others).value();
    auto fifo = root()->make_special(alice, "p", {.attributes = others}).value();
    for (const auto& made : {file, directory, link, fifo}) {
        EXPECT_EQ(made->attributes(Patience::ample)->uid, 1000U);
        EXPECT_EQ(made->attributes(Patience::ample)->gid, 1000U);
    }
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0640U);
}

TEST_F(Creating, SetGroupIdDirectoriesPassTheirGroupOn) {
    make_directory(root_caller, "d", 0777);
    EXPECT_EQ(::chown((local / "d").c_str(), 0, 3000), 0);
    EXPECT_EQ(::chmod((local / "d").c_str(), 02777), 0);
    auto directory = lookup("d");
    auto file = directory->create(alice, "f", {.attributes = {.mode = 0644}}).value();
    EXPECT_EQ(file->attributes(Patience::ample)->gid, 3000U);
    auto below = directory->make_directory(alice, "e", {.mode = 0755}).value();
    EXPECT_EQ(below->attributes(Patience::ample)->gid, 3000U);
    EXPECT_EQ(below->attributes(Patience::ample)->mode, 02755U);
    auto owned = directory->make_directory(root_caller, "g", {.mode = 0755, .uid = 1000}).value();
    EXPECT_EQ(owned->attributes(Patience::ample)->mode, 02755U);
}

TEST_F(Creating, DefaultAccessControlListsAreObeyed) {
    make_directory(root_caller, "d", 0777);
    ASSERT_EQ(std::system(("setfacl -d -m u::rw,g::r,o::- " + (local / "d")).c_str()), 0);
    auto file = lookup("d")->create(alice, "f", {.attributes = {.mode = 0666}}).value();
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0640U);
}

TEST_F(Creating, SymbolicLinksKeepTheirText) {
    const std::string text(4000, 'x');
    EXPECT_EQ(root()->make_symbolic_link(alice, "l", text, {}).value()->read_link(bob).value(),
              text);
    using namespace std::string_view_literals;
    EXPECT_EQ(error_of(root()->make_symbolic_link(alice, "m", "a\0b"sv, {})),
              std::errc::invalid_argument);
    EXPECT_EQ(lookup("l")->attributes(Patience::ample)->uid, 1000U);
}

TEST_F(Creating, NamesAreBytes) {
    for (const std::string name : {"caf\xc3\xa9", "caf\xe9", "new\nline", "-rf", "\xff\xfe", " "}) {
        auto file = create(alice, name);
        EXPECT_EQ(lookup(name), file);
        EXPECT_TRUE(boost::filesystem::exists(local / name));
        EXPECT_TRUE(root()->remove(alice, name));
    }
    const std::string longest(255, 'n');
    EXPECT_EQ(lookup(longest.substr(0, 0) + "."), root());
    create(alice, longest);
    EXPECT_TRUE(root()->remove(alice, longest));
    EXPECT_EQ(error_of(root()->create(alice, longest + "n", {})), std::errc::filename_too_long);
}

TEST_F(Removing, FilesAndDirectoriesEachInTheirWay) {
    create(alice, "f");
    auto directory = make_directory(alice, "d");
    EXPECT_EQ(error_of(root()->remove(alice, "d")), std::errc::is_a_directory);
    EXPECT_EQ(error_of(root()->remove_directory(alice, "f")), std::errc::not_a_directory);
    EXPECT_EQ(error_of(root()->remove(alice, "nothing")), std::errc::no_such_file_or_directory);
    EXPECT_TRUE(directory->create(alice, "g", {}));
    EXPECT_EQ(error_of(root()->remove_directory(alice, "d")), std::errc::directory_not_empty);
    EXPECT_TRUE(directory->remove(alice, "g"));
    EXPECT_TRUE(root()->remove_directory(alice, "d"));
    EXPECT_TRUE(root()->remove(alice, "f"));
    EXPECT_TRUE(boost::filesystem::is_empty(local.path()));
    EXPECT_NE(error_of(root()->remove_directory(alice, "..")), std::errc{});
    EXPECT_NE(error_of(root()->remove_directory(alice, ".")), std::errc{});
    EXPECT_NE(error_of(root()->remove(alice, "..")), std::errc{});
    EXPECT_TRUE(boost::filesystem::exists(local.path()));
}

TEST_F(Renaming, TheObjectStaysTheSame) {
    auto file = create(alice, "f");
    auto directory = make_directory(alice, "d");
    EXPECT_TRUE(files->rename(alice, *root(), "f", *directory, "g"));
    EXPECT_EQ(directory->lookup(alice, "g").value(), file);
    EXPECT_EQ(error_of(root()->lookup(alice, "f")), std::errc::no_such_file_or_directory);
    EXPECT_TRUE(files->rename(alice, *directory, "g", *root(), "f"));
    EXPECT_EQ(error_of(files->rename(alice, *root(), "d", *directory, "e")),
              std::errc::invalid_argument);
    EXPECT_EQ(error_of(files->rename(alice, *root(), "f", *root(), "d")),
              std::errc::is_a_directory);
    EXPECT_EQ(error_of(files->rename(alice, *root(), "d", *root(), "f")),
              std::errc::not_a_directory);
    EXPECT_NE(error_of(files->rename(alice, *root(), "d", *root(), "..")), std::errc{});
}

TEST_F(Renaming, WhatIsReplacedIsGone) {
    auto old = create(alice, "old");
    auto fresh = create(alice, "fresh");
    EXPECT_TRUE(files->rename(alice, *root(), "fresh", *root(), "old"));
    EXPECT_EQ(error_of(old->attributes(Patience::ample)), stale);
    EXPECT_EQ(lookup("old"), fresh);
}

TEST_F(Linking, EveryTypeButDirectories) {
    auto top = root();
    auto link = top->make_symbolic_link(alice, "l", "nowhere", {}).value();
    auto fifo = top->make_special(alice, "p", {.attributes = {.mode = 0666}}).value();
    auto file = create(alice, "f");
    for (const auto& [object, name] : {std::pair{link, "l2"}, {fifo, "p2"}, {file, "f2"}}) {
        EXPECT_TRUE(files->link(alice, *object, *top, name)) << name;
        EXPECT_EQ(top->lookup(alice, name).value(), object) << name;
        EXPECT_EQ(object->attributes(Patience::ample)->links, 2U);
        EXPECT_EQ(error_of(files->link(alice, *object, *top, name)), exists);
    }
    EXPECT_EQ(error_of(files->link(alice, *make_directory(alice, "d"), *top, "d2")),
              std::errc::operation_not_permitted);
    EXPECT_TRUE(files->rename(alice, *top, "f", *top, "f2"))
        << "two names of one object: nothing happens";
    EXPECT_EQ(lookup("f"), file);
    EXPECT_EQ(lookup("f2"), file);
}

TEST_F(Creating, OpeningSomethingThatIsNoDirectoryFailsClearly) {
    write_local(local / "f", "");
    auto opened = open(local / "f");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, std::errc::not_a_directory);
    EXPECT_NE(opened.error().reason.find(local / "f"), std::string::npos);
    EXPECT_EQ(open(local / "nothing").error().code, std::errc::no_such_file_or_directory);
}

TEST_F(Creating, TheStartUpLogSaysHowObjectsAreFound) {
    EXPECT_NE(files->describe().find("survive a restart"), std::string::npos);
    open_again({.kernel_handles = false});
    EXPECT_NE(files->describe().find("do not survive"), std::string::npos);
    EXPECT_FALSE(files->handles_survive());
}

TEST_F(Creating, WithoutAKeyTheStartUpLogPromisesNothing) {
    for (const bool kernel_handles : {true, false}) {
        open_again({.keeps_key = false, .kernel_handles = kernel_handles});
        EXPECT_EQ(files->describe().find("restart"), std::string::npos) << files->describe();
    }
}

}  // namespace
}  // namespace berth::vfs::posix
