// What objects are, and who may change it.
#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

NewTime at(std::int64_t seconds) {
    return {Time{seconds, 5}};
}
const NewTime now;

using AttributesOf = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, AttributesOf, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(AttributesOf, NewObjects) {
    auto below = directory(alice, "d", 0750);
    const auto of_directory = attributes(*below);
    EXPECT_EQ(of_directory.type, FileType::directory);
    EXPECT_EQ(of_directory.mode, 0750U);
    EXPECT_EQ(of_directory.links, 2U);
    const auto of_file = attributes(*file(bob, "f", 0640));
    EXPECT_EQ(of_file.type, FileType::regular);
    EXPECT_EQ(of_file.mode, 0640U);
    EXPECT_EQ(of_file.links, 1U);
    EXPECT_EQ(of_file.uid, 1001U);
    EXPECT_EQ(of_file.gid, 1001U);
    EXPECT_EQ(of_file.size, 0U);
    EXPECT_EQ(of_file.used, 0U);
    EXPECT_EQ(of_file.device, DeviceNumber{});
    EXPECT_NE(of_file.fileid, 0U);
    EXPECT_NE(of_file.fileid, of_directory.fileid);
    EXPECT_EQ(of_file.modified, of_file.changed);
    const auto of_link = attributes(*link_to("1234567", "l"));
    EXPECT_EQ(of_link.type, FileType::symbolic_link);
    EXPECT_EQ(of_link.size, 7U);
}

TEST_P(AttributesOf, LinksCountSubdirectories) {
    const auto links = attributes(*root).links;
    auto below = directory(alice, "d");
    EXPECT_EQ(attributes(*root).links, links + 1);
    ASSERT_TRUE(below->make_directory(alice, "e", {}));
    EXPECT_EQ(attributes(*below).links, 3U);
    ASSERT_TRUE(files.rename(alice, *below, "e", *root, "e"));
    EXPECT_EQ(attributes(*below).links, 2U);
    EXPECT_EQ(attributes(*root).links, links + 2);
    ASSERT_TRUE(root->remove_directory(alice, "d"));
    ASSERT_TRUE(root->remove_directory(alice, "e"));
    EXPECT_EQ(attributes(*root).links, links);
}

TEST_P(AttributesOf, EveryChangeIsSeenInTheTimes) {
    auto node = file(alice, "f");
    auto before = attributes(*node);
    const auto expect_change = [&](bool of_contents, const char* what) {
        const auto after = attributes(*node);
        EXPECT_GE(after.changed, before.changed) << what;
        EXPECT_EQ(of_contents, after.modified == after.changed) << what;
        before = after;
    };
    write(*node, "text");
    expect_change(true, "write");
    ASSERT_TRUE(node->set_attributes(alice, {.modified = at(1000)}));
    expect_change(false, "a time");
    EXPECT_EQ(before.modified, (Time{1000, 5}));
    ASSERT_TRUE(node->set_attributes(alice, {.mode = 0600}));
    expect_change(false, "mode");
    ASSERT_TRUE(files.link(alice, *node, *root, "g"));
    expect_change(false, "link");
    ASSERT_TRUE(root->remove(alice, "g"));
    expect_change(false, "remove");
    ASSERT_TRUE(node->set_attributes(alice, {.size = 2}));
    expect_change(true, "size");
}

TEST_P(AttributesOf, AccessIsByTheModeAlone) {
    struct Case {
        const Person& who;
        std::uint32_t mode;
        unsigned granted;
    };
    const Case table[] = {
        {alice, 0700, 7},    {alice, 0400, 4},     {alice, 0077, 0},     {bob, 0070, 7},
        {bob, 0020, 2},      {bob, 0707, 0},       {stranger, 0007, 7},  {stranger, 0001, 1},
        {stranger, 0770, 0}, {root_user, 0000, 6}, {root_user, 0001, 7}, {root_user, 0010, 7},
    };
    auto node = file(alice, "f");
    for (const auto& [who, mode, granted] : table) {
        ASSERT_TRUE(node->set_attributes(root_user, {.mode = mode}));
        EXPECT_EQ(node->access(who, 7).value(), granted) << who.name() << ' ' << std::oct << mode;
        EXPECT_EQ(node->access(who, may_read).value(), granted & may_read);
        EXPECT_EQ(node->access(who, 0).value(), 0U);
    }
    EXPECT_EQ(directory(alice, "d", 0)->access(root_user, 7).value(), 7U);
    EXPECT_EQ(directory(alice, "e", 0)->access(alice, 7).value(), 0U);
}

using SetAttributes = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, SetAttributes, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(SetAttributes, NothingIsNothing) {
    auto node = file(alice, "f");
    const auto before = attributes(*node);
    EXPECT_EQ(outcome_of(node->set_attributes(stranger, {})), success);
    EXPECT_EQ(attributes(*node), before);
}

TEST_P(SetAttributes, ModeIsTheOwnersToChange) {
    auto node = file(alice, "f", 0666);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.mode = 04711})), success);
    EXPECT_EQ(attributes(*node).mode, 04711U);
    EXPECT_EQ(outcome_of(node->set_attributes(root_user, {.mode = 0666})), success);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.mode = 0600})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(stranger, {.mode = 0666})), not_permitted);
    EXPECT_EQ(attributes(*node).mode, 0666U);
}

TEST_P(SetAttributes, SetGroupIdNeedsMembership) {
    auto node = file(alice, "f");
    ASSERT_TRUE(node->set_attributes(root_user, {.gid = 777}));
    EXPECT_TRUE(node->set_attributes(alice, {.mode = 02755}));
    EXPECT_EQ(attributes(*node).mode, 0755U);
    EXPECT_TRUE(node->set_attributes(root_user, {.mode = 02755}));
    EXPECT_EQ(attributes(*node).mode, 02755U);
    ASSERT_TRUE(node->set_attributes(root_user, {.gid = 2000}));
    EXPECT_TRUE(node->set_attributes(alice, {.mode = 02755}));
    EXPECT_EQ(attributes(*node).mode, 02755U);
}

TEST_P(SetAttributes, OwnerIsForRootToGiveAway) {
    auto node = file(alice, "f");
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.uid = 1001})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.uid = 1001})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.uid = 1000})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.uid = 1000})), success);
    EXPECT_EQ(outcome_of(node->set_attributes(root_user, {.uid = 1001, .gid = 5})), success);
    EXPECT_EQ(attributes(*node).uid, 1001U);
    EXPECT_EQ(attributes(*node).gid, 5U);
}

TEST_P(SetAttributes, GroupIsTheOwnersAmongItsOwn) {
    auto node = file(alice, "f");
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.gid = 2000})), success);
    EXPECT_EQ(attributes(*node).gid, 2000U);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.gid = 1000})), success);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.gid = 2001})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.gid = 0})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.gid = 1001})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.uid = 1001, .gid = 2000})), not_permitted);
    EXPECT_EQ(attributes(*node).gid, 1000U);
}

TEST_P(SetAttributes, ChangeOfOwnerClearsSetIds) {
    auto node = file(alice, "f");
    const auto with_mode = [&](std::uint32_t mode) -> Node& {
        EXPECT_TRUE(node->set_attributes(root_user, {.mode = mode}));
        return *node;
    };
    EXPECT_TRUE(with_mode(06755).set_attributes(alice, {.gid = 2000}));
    EXPECT_EQ(attributes(*node).mode, 0755U);
    EXPECT_TRUE(with_mode(06755).set_attributes(root_user, {.uid = 1000}));
    EXPECT_EQ(attributes(*node).mode, 0755U) << "even for root";
    EXPECT_TRUE(with_mode(06755).set_attributes(root_user, {.mode = 06711, .uid = 1000}));
    EXPECT_EQ(attributes(*node).mode, 06711U) << "what was asked for wins";
    EXPECT_TRUE(with_mode(02644).set_attributes(root_user, {.gid = 1000}));
    EXPECT_EQ(attributes(*node).mode, 02644U) << "not executable, no danger";
    auto below = directory(alice, "d", 06755);
    EXPECT_TRUE(below->set_attributes(root_user, {.uid = 1001}));
    EXPECT_EQ(attributes(*below).mode, 06755U) << "means something else on directories";
}

TEST_P(SetAttributes, SizeNeedsWritePermissionOrOwning) {
    auto node = file(alice, "f", 0400);
    write(*node, "hello");
    EXPECT_EQ(outcome_of(node->set_attributes(stranger, {.size = 0})), denied);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.size = 0})), denied);
    EXPECT_EQ(read(*node), "hello");
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.size = 4})), success);
    EXPECT_EQ(outcome_of(node->set_attributes(root_user, {.size = 6})), success);
    EXPECT_EQ(read(*node), std::string("hell\0\0", 6));
    ASSERT_TRUE(node->set_attributes(alice, {.mode = 0402}));
    EXPECT_EQ(outcome_of(node->set_attributes(stranger, {.size = 1})), success);
    EXPECT_EQ(attributes(*node).size, 1U);
}

TEST_P(SetAttributes, OnlyRegularFilesHaveASizeToSet) {
    EXPECT_EQ(outcome_of(directory(alice, "d")->set_attributes(alice, {.size = 0})),
              std::errc::is_a_directory);
    for (const auto& node : neither_file_nor_directory()) {
        EXPECT_EQ(outcome_of(node->set_attributes(root_user, {.size = 0})),
                  std::errc::invalid_argument);
    }
    EXPECT_EQ(outcome_of(file(alice, "f")->set_attributes(alice, {.size = ~std::uint64_t{0}})),
              std::errc::file_too_large);
}

TEST_P(SetAttributes, SizeByOthersClearsSetIds) {
    auto node = file(alice, "f");
    for (const Person& who : {alice, stranger, root_user}) {
        ASSERT_TRUE(node->set_attributes(root_user, {.mode = 06777}));
        EXPECT_TRUE(node->set_attributes(who, {.size = 10}));
        EXPECT_EQ(attributes(*node).mode, who.uid() == 0 ? 06777U : 0777U) << who.name();
    }
}

TEST_P(SetAttributes, GivenTimesAreTheOwnersToSet) {
    auto node = file(alice, "f", 0666);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.accessed = at(1), .modified = at(2)})),
              success);
    EXPECT_EQ(attributes(*node).accessed, (Time{1, 5}));
    EXPECT_EQ(attributes(*node).modified, (Time{2, 5}));
    EXPECT_EQ(outcome_of(node->set_attributes(root_user, {.modified = at(3'000'000'000)})),
              success);
    EXPECT_EQ(attributes(*node).modified, (Time{3'000'000'000, 5}));
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.accessed = at(9)})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.accessed = now, .modified = at(9)})),
              not_permitted);
    EXPECT_EQ(attributes(*node).accessed, (Time{1, 5}));
    EXPECT_EQ(
        outcome_of(node->set_attributes(alice, {.modified = NewTime{Time{1, 1'000'000'000}}})),
        std::errc::invalid_argument);
}

TEST_P(SetAttributes, TheServersTimeIsForAllWhoMayWrite) {
    auto node = file(alice, "f", 0602);
    const NewAttributes both{.accessed = now, .modified = now};
    for (const NewAttributes& wanted : {both, {.accessed = now}, {.modified = now}}) {
        ASSERT_TRUE(node->set_attributes(alice, {.accessed = at(1), .modified = at(2)}));
        EXPECT_EQ(outcome_of(node->set_attributes(bob, wanted)), denied) << "only reads";
        EXPECT_EQ(outcome_of(node->set_attributes(stranger, wanted)), success);
        EXPECT_EQ(attributes(*node).accessed == (Time{1, 5}), !wanted.accessed);
        EXPECT_EQ(attributes(*node).modified == (Time{2, 5}), !wanted.modified);
    }
    ASSERT_TRUE(node->set_attributes(alice, {.mode = 0}));
    EXPECT_EQ(outcome_of(node->set_attributes(alice, both)), success) << "its own";
    EXPECT_EQ(outcome_of(node->set_attributes(stranger, both)), denied);
}

TEST_P(SetAttributes, EverythingAtOnceEndsAsAsked) {
    auto node = file(alice, "f");
    write(*node, "hello");
    EXPECT_TRUE(node->set_attributes(root_user, {.mode = 06751,
                                                 .uid = 1001,
                                                 .gid = 1002,
                                                 .size = 3,
                                                 .accessed = at(10),
                                                 .modified = at(20)}));
    const auto found = attributes(*node);
    EXPECT_EQ(found.mode, 06751U);
    EXPECT_EQ(found.uid, 1001U);
    EXPECT_EQ(found.gid, 1002U);
    EXPECT_EQ(found.size, 3U);
    EXPECT_EQ(found.accessed, (Time{10, 5}));
    EXPECT_EQ(found.modified, (Time{20, 5}));
}

TEST_P(SetAttributes, WhatIsRefusedChangesNothing) {
    auto node = file(alice, "f", 0666);
    write(*node, "hello");
    const auto before = attributes(*node);
    EXPECT_EQ(outcome_of(node->set_attributes(bob, {.mode = 0600, .size = 0})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.uid = 0, .size = 0})), not_permitted);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.gid = 0, .size = 0})), not_permitted);
    EXPECT_EQ(attributes(*node), before);
}

TEST_P(SetAttributes, ActsOnALinkItself) {
    auto target = file(alice, "f", 0640);
    auto link = link_to("f", "l");
    const auto mode = attributes(*link).mode;
    EXPECT_EQ(outcome_of(link->set_attributes(alice, {.mode = 0600})), success) << "ignored";
    EXPECT_EQ(attributes(*link).mode, mode);
    EXPECT_EQ(outcome_of(link->set_attributes(root_user, {.uid = 7, .gid = 8})), success);
    EXPECT_EQ(outcome_of(link->set_attributes(root_user, {.modified = at(30)})), success);
    EXPECT_EQ(attributes(*link).uid, 7U);
    EXPECT_EQ(attributes(*link).gid, 8U);
    EXPECT_EQ(attributes(*link).modified, (Time{30, 5}));
    EXPECT_EQ(attributes(*target).uid, 1000U);
    EXPECT_EQ(attributes(*target).mode, 0640U);
    EXPECT_NE(attributes(*target).modified, (Time{30, 5}));
}

TEST_P(SetAttributes, ActsOnSpecialFilesWithoutOpeningThem) {
    for (const auto& node : neither_file_nor_directory()) {
        if (attributes(*node).type == FileType::symbolic_link) continue;
        EXPECT_EQ(outcome_of(node->set_attributes(
                      root_user, {.mode = 0604, .uid = 1000, .gid = 9, .modified = at(40)})),
                  success);
        EXPECT_EQ(attributes(*node).mode, 0604U);
        EXPECT_EQ(attributes(*node).uid, 1000U);
        EXPECT_EQ(attributes(*node).modified, (Time{40, 5}));
    }
}

}  // namespace
}  // namespace berth::vfs::test
