// Hard links, removing, renaming.
#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

constexpr auto missing = std::errc::no_such_file_or_directory;

using Link = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Link, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Link, IsAnotherNameOfTheSameObject) {
    auto node = file(alice, "f");
    auto below = directory(alice, "d");
    ASSERT_TRUE(files.link(alice, *node, *below, "g"));
    EXPECT_EQ(attributes(*node).links, 2U);
    EXPECT_EQ(below->lookup(alice, "g").value(), node);
    ASSERT_TRUE(root->remove(alice, "f"));
    EXPECT_EQ(attributes(*node).links, 1U);
    EXPECT_EQ(files.find(node->id(), Patience::ample).value(), node);
    ASSERT_TRUE(below->remove(alice, "g"));
    EXPECT_EQ(outcome_of(node->attributes(Patience::ample)), stale);
}

TEST_P(Link, WorksForEverythingButDirectories) {
    for (const auto& node : neither_file_nor_directory()) {
        EXPECT_EQ(outcome_of(files.link(root_user, *node, *root, "x")), success);
        EXPECT_EQ(root->lookup(alice, "x").value(), node) << "symbolic links are not followed";
        ASSERT_TRUE(root->remove(root_user, "x"));
    }
    auto below = directory(alice, "d");
    EXPECT_EQ(outcome_of(files.link(root_user, *below, *root, "x")), not_permitted);
    EXPECT_EQ(outcome_of(files.link(root_user, *below, *below, "x")), not_permitted);
    // What link(2) says first.
    file(alice, "f");
    EXPECT_EQ(outcome_of(files.link(alice, *below, *root, "f")), std::errc::file_exists);
    auto closed = directory(root_user, "closed");
    EXPECT_EQ(outcome_of(files.link(alice, *below, *closed, "x")), std::errc::permission_denied);
}

using Remove = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Remove, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Remove, FilesAndDirectoriesEachTheirWay) {
    neither_file_nor_directory();
    file(alice, "f");
    auto below = directory(alice, "d");
    file_in(*below, alice, "f");
    EXPECT_EQ(outcome_of(root->remove(alice, "d")), std::errc::is_a_directory);
    EXPECT_EQ(outcome_of(root->remove_directory(alice, "f")), std::errc::not_a_directory);
    EXPECT_EQ(outcome_of(root->remove_directory(alice, "d")), std::errc::directory_not_empty);
    EXPECT_EQ(outcome_of(root->remove(alice, "x")), missing);
    EXPECT_EQ(outcome_of(root->remove_directory(alice, "x")), missing);
    ASSERT_TRUE(below->remove(alice, "f"));
    EXPECT_EQ(outcome_of(root->remove_directory(alice, "d")), success);
    for (const auto* name : {"f", "a-link", "a-fifo", "a-socket", "a-device"}) {
        EXPECT_EQ(outcome_of(root->remove_directory(alice, name)), std::errc::not_a_directory);
        EXPECT_EQ(outcome_of(root->remove(alice, name)), success) << name;
    }
    EXPECT_TRUE(names_in(*root).empty());
}

TEST_P(Remove, NeedsPermissionOnTheDirectoryOnly) {
    auto below = directory(alice, "d", 0777);
    file_in(*below, alice, "f", 0);
    EXPECT_EQ(outcome_of(below->remove(stranger, "f")), success);
    for (const std::uint32_t mode : {0555U, 0666U}) {
        file_in(*below, alice, "f", 0777);
        ASSERT_TRUE(below->make_directory(alice, "e", {.mode = 0777}));
        ASSERT_TRUE(below->set_attributes(alice, {.mode = mode}));
        EXPECT_EQ(outcome_of(below->remove(alice, "f")), denied);
        EXPECT_EQ(outcome_of(below->remove_directory(alice, "e")), denied);
        EXPECT_EQ(outcome_of(below->remove(root_user, "f")), success);
        EXPECT_EQ(outcome_of(below->remove_directory(root_user, "e")), success);
        ASSERT_TRUE(below->set_attributes(alice, {.mode = 0777}));
    }
}

TEST_P(Remove, StickyDirectoriesProtectOtherPeoplesEntries) {
    auto below = directory(alice, "d", 01777);
    const auto entries_of = [&](const Person& owner) {
        file_in(*below, owner, "f", 0666);
        return below->make_directory(owner, "e", {.mode = 0777}).value();
    };
    entries_of(bob);
    EXPECT_EQ(outcome_of(below->remove(stranger, "f")), not_permitted);
    EXPECT_EQ(outcome_of(below->remove_directory(stranger, "e")), not_permitted);
    EXPECT_EQ(outcome_of(files.rename(stranger, *below, "f", *root, "f")), not_permitted);
    file(stranger, "mine");
    EXPECT_EQ(outcome_of(files.rename(stranger, *root, "mine", *below, "f")), not_permitted);
    EXPECT_EQ(outcome_of(below->remove(bob, "f")), success) << "its owner";
    EXPECT_EQ(outcome_of(below->remove_directory(alice, "e")), success) << "the directory's owner";
    entries_of(bob);
    EXPECT_EQ(outcome_of(below->remove(root_user, "f")), success);
    EXPECT_EQ(outcome_of(below->remove_directory(bob, "e")), success);
}

TEST_P(Remove, NamesThatAreNone) {
    const std::string too_long(256, 'n');
    EXPECT_EQ(outcome_of(root->remove(alice, too_long)), std::errc::filename_too_long);
    EXPECT_EQ(outcome_of(root->remove_directory(alice, too_long)), std::errc::filename_too_long);
    auto below = directory(alice, "d");
    for (const auto* name : {"", "a/b", "../d"}) {
        EXPECT_EQ(outcome_of(below->remove(alice, name)), denied);
        EXPECT_EQ(outcome_of(below->remove_directory(alice, name)), denied);
    }
    EXPECT_FALSE(below->remove(root_user, "."));
    EXPECT_FALSE(below->remove(root_user, ".."));
    EXPECT_EQ(outcome_of(below->remove_directory(root_user, ".")), std::errc::invalid_argument);
    EXPECT_EQ(outcome_of(below->remove_directory(root_user, "..")), std::errc::directory_not_empty);
    auto node = file(alice, "f");
    EXPECT_EQ(outcome_of(node->remove(alice, "x")), std::errc::not_a_directory);
    EXPECT_EQ(outcome_of(node->remove_directory(alice, "x")), std::errc::not_a_directory);
}

using Rename = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Rename, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Rename, MovesBetweenDirectories) {
    auto from = directory(alice, "from");
    auto to = directory(alice, "to");
    auto node = file_in(*from, alice, "f");
    auto moved = from->make_directory(alice, "d", {.mode = 0755}).value();
    ASSERT_TRUE(files.rename(alice, *from, "f", *to, "g"));
    ASSERT_TRUE(files.rename(alice, *from, "d", *to, "e"));
    EXPECT_TRUE(names_in(*from).empty());
    EXPECT_EQ(to->lookup(alice, "g").value(), node);
    EXPECT_EQ(to->lookup(alice, "e").value(), moved);
    EXPECT_EQ(moved->lookup(alice, "..").value(), to);
    EXPECT_EQ(attributes(*from).links, 2U);
    EXPECT_EQ(attributes(*to).links, 3U);
    ASSERT_TRUE(files.rename(alice, *to, "g", *to, "h"));
    EXPECT_EQ(to->lookup(alice, "h").value(), node);
    EXPECT_FALSE(exists(*to, "g"));
}

TEST_P(Rename, ReplacesWhatIsThere) {
    auto old_file = file(alice, "old");
    auto new_file = file(alice, "new");
    ASSERT_TRUE(files.rename(alice, *root, "new", *root, "old"));
    EXPECT_EQ(root->lookup(alice, "old").value(), new_file);
    EXPECT_EQ(outcome_of(old_file->attributes(Patience::ample)), stale);
    auto old_directory = directory(alice, "old-d");
    auto new_directory = directory(alice, "new-d");
    file_in(*new_directory, alice, "f");
    const auto links = attributes(*root).links;
    ASSERT_TRUE(files.rename(alice, *root, "new-d", *root, "old-d"));
    EXPECT_EQ(root->lookup(alice, "old-d").value(), new_directory);
    EXPECT_EQ(outcome_of(old_directory->attributes(Patience::ample)), stale);
    EXPECT_EQ(attributes(*root).links, links - 1);
    link_to("x", "l");
    ASSERT_TRUE(files.rename(alice, *root, "l", *root, "old"));
    EXPECT_EQ(root->peek(alice, "old")->attributes.type, FileType::symbolic_link);
}

TEST_P(Rename, OfTwoNamesOfOneObjectDoesNothing) {
    auto node = file(alice, "f");
    ASSERT_TRUE(files.link(alice, *node, *root, "g"));
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "f", *root, "g")), success);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "f", *root, "f")), success);
    EXPECT_EQ(attributes(*node).links, 2U);
    EXPECT_TRUE(exists(*root, "f") && exists(*root, "g"));
}

TEST_P(Rename, DoesNotMixFilesAndDirectories) {
    file(alice, "f");
    auto empty = directory(alice, "empty");
    auto full = directory(alice, "full");
    file_in(*full, alice, "f");
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "empty", *root, "f")),
              std::errc::not_a_directory);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "f", *root, "empty")),
              std::errc::is_a_directory);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "empty", *root, "full")),
              std::errc::directory_not_empty);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "full", *root, "empty")), success);
}

TEST_P(Rename, ADirectoryCannotMoveIntoItself) {
    auto outer = directory(alice, "outer");
    auto inner = outer->make_directory(alice, "inner", {.mode = 0755}).value();
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "outer", *outer, "x")),
              std::errc::invalid_argument);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "outer", *inner, "x")),
              std::errc::invalid_argument);
    EXPECT_EQ(outcome_of(files.rename(alice, *outer, "inner", *root, "outer")),
              std::errc::directory_not_empty);
    file_in(*inner, alice, "f");
    EXPECT_EQ(outcome_of(files.rename(alice, *inner, "f", *root, "outer")),
              std::errc::directory_not_empty);
    EXPECT_EQ(outcome_of(files.rename(alice, *outer, "inner", *root, "x")), success);
}

TEST_P(Rename, NeedsPermissionOnBothDirectories) {
    auto open = directory(alice, "open", 0777);
    auto closed = directory(alice, "closed", 0777);
    file_in(*open, alice, "f");
    file_in(*closed, alice, "g");
    for (const std::uint32_t mode : {0555U, 0666U}) {
        ASSERT_TRUE(closed->set_attributes(alice, {.mode = mode}));
        EXPECT_EQ(outcome_of(files.rename(alice, *open, "f", *closed, "x")), denied);
        EXPECT_EQ(outcome_of(files.rename(alice, *open, "f", *closed, "g")), denied);
        EXPECT_EQ(outcome_of(files.rename(alice, *closed, "g", *open, "x")), denied);
        EXPECT_EQ(outcome_of(files.rename(alice, *closed, "g", *closed, "x")), denied);
    }
    EXPECT_EQ(outcome_of(files.rename(root_user, *open, "f", *closed, "x")), success);
}

TEST_P(Rename, MovingADirectoryChangesItsParentEntry) {
    directory(alice, "d", 0555);
    auto to = directory(stranger, "to", 0777);
    EXPECT_EQ(outcome_of(files.rename(stranger, *root, "d", *to, "d")), denied);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "d", *to, "d")), denied);
    EXPECT_EQ(outcome_of(files.rename(stranger, *root, "d", *root, "e")), success)
        << "its \"..\" stays";
    EXPECT_EQ(outcome_of(files.rename(root_user, *root, "e", *to, "d")), success);
}

TEST_P(Rename, NamesThatAreNone) {
    auto node = file(alice, "f");
    const std::string too_long(256, 'n');
    const auto rename = [&](std::string_view from, std::string_view to) {
        return outcome_of(files.rename(alice, *root, from, *root, to));
    };
    EXPECT_EQ(rename("x", "y"), missing);
    EXPECT_EQ(rename("f", too_long), std::errc::filename_too_long);
    EXPECT_EQ(rename(too_long, "y"), std::errc::filename_too_long);
    EXPECT_EQ(rename("f", "a/b"), denied);
    EXPECT_EQ(rename("f", ""), denied);
    EXPECT_EQ(rename("", "y"), denied);
    for (const auto* name : {".", ".."}) {
        EXPECT_EQ(rename(name, "y"), std::errc::device_or_resource_busy);
        EXPECT_EQ(rename("f", name), std::errc::device_or_resource_busy);
    }
    EXPECT_EQ(outcome_of(files.rename(alice, *node, "x", *root, "y")), std::errc::not_a_directory);
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "f", *node, "y")), std::errc::not_a_directory);
}

}  // namespace
}  // namespace berth::vfs::test
