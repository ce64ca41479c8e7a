// RENAME, LINK — RFC 1813 §3.3.14, §3.3.15. Names are in names_test.cpp, other exports in
// handles_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;
using vfs::faulty::Operation;

class RenameTest : public ServiceTest {
protected:
    const KeptHandle from_ = make_directory(root(), "from", 0777);
    const KeptHandle to_ = make_directory(root(), "to", 0777);
};
class LinkTest : public ServiceTest {
protected:
    const KeptHandle file_ = make_file(root(), "file", "text");
    const KeptHandle directory_ = make_directory(root(), "directory", 0777);
};

TEST_F(RenameTest, moves_between_directories) {
    const auto file = make_file(from_, "old", "text");
    const auto from_before = attributes(from_);
    const auto to_before = attributes(to_);
    const auto before = attributes(file);
    const auto ok = succeed<Rename>({entry(from_, "old"), entry(to_, "new")});
    expect_wcc(ok.from_directory, from_before);
    expect_wcc(ok.to_directory, to_before);
    EXPECT_FALSE(ok.from_directory.after->changed == from_before.changed);
    EXPECT_FALSE(ok.to_directory.after->changed == to_before.changed);
    EXPECT_FALSE(exists(from_, "old"));
    EXPECT_EQ(lookup(to_, "new"), file);
    EXPECT_FALSE(attributes(file).changed == before.changed);
}

TEST_F(RenameTest, within_one_directory_shows_it_twice) {
    make_file(from_, "old");
    const auto before = attributes(from_);
    const auto ok = succeed<Rename>({entry(from_, "old"), entry(from_, "new")});
    expect_wcc(ok.from_directory, before);
    expect_wcc(ok.to_directory, before);
    EXPECT_EQ(*ok.from_directory.after, *ok.to_directory.after);
}

TEST_F(RenameTest, in_both_orders_of_the_directories) {
    make_file(from_, "file");
    for (int i = 0; i < 3; ++i) {
        succeed<Rename>({entry(from_, "file"), entry(to_, "file")});
        succeed<Rename>({entry(to_, "file"), entry(from_, "file")});
    }
}

TEST_F(RenameTest, replaces_what_is_there) {
    const auto file = make_file(from_, "file", "new");
    const auto replaced = make_file(to_, "file", "old");
    succeed<Rename>({entry(from_, "file"), entry(to_, "file")});
    EXPECT_EQ(lookup(to_, "file"), file);
    refuse<GetAttributes>(Status::stale, {replaced});

    const auto directory = make_directory(from_, "directory");
    make_directory(to_, "directory");
    succeed<Rename>({entry(from_, "directory"), entry(to_, "directory")});
    EXPECT_EQ(lookup(to_, "directory"), directory);
}

TEST_F(RenameTest, to_the_same_changes_nothing) {
    const auto file = make_file(from_, "file");
    succeed<Link>({file, entry(to_, "second")});
    const auto from_now = attributes(from_);
    const auto to_now = attributes(to_);
    const auto same = succeed<Rename>({entry(from_, "file"), entry(from_, "file")});
    expect_unchanged(same.from_directory, from_now);
    const auto linked = succeed<Rename>({entry(from_, "file"), entry(to_, "second")});
    expect_unchanged(linked.from_directory, from_now);
    expect_unchanged(linked.to_directory, to_now);
    EXPECT_TRUE(exists(from_, "file"));
    EXPECT_TRUE(exists(to_, "second"));
}

TEST_F(RenameTest, refuses_what_cannot_be) {
    const auto inner = make_directory(from_, "inner");
    make_file(inner, "file");
    make_file(from_, "file");
    const auto from_now = attributes(from_);
    const auto to_now = attributes(to_);
    const auto refuse_rename = [&](Status status, const Entry& from, const Entry& to) {
        const auto fail = refuse<Rename>(status, {from, to});
        EXPECT_TRUE(fail.from_directory.after);
        EXPECT_TRUE(fail.to_directory.after);
    };
    refuse_rename(Status::no_entry, entry(from_, "nothing"), entry(to_, "new"));
    refuse_rename(Status::is_directory, entry(from_, "file"), entry(from_, "inner"));
    refuse_rename(Status::not_directory, entry(from_, "inner"), entry(from_, "file"));
    refuse_rename(Status::not_empty, entry(root(), "to"), entry(from_, "inner"));
    refuse_rename(Status::invalid, entry(from_, "inner"), entry(inner, "deeper"));
    refuse_rename(Status::invalid, entry(root(), "from"), entry(inner, "deeper"));
    EXPECT_EQ(attributes(from_), from_now);
    EXPECT_EQ(attributes(to_), to_now);
}

TEST_F(RenameTest, moves_the_parent_of_a_directory) {
    const auto inner = make_directory(from_, "inner");
    const auto from_links = attributes(from_).links;
    const auto to_links = attributes(to_).links;
    succeed<Rename>({entry(from_, "inner"), entry(to_, "inner")});
    EXPECT_EQ(lookup(inner, ".."), to_);
    EXPECT_EQ(attributes(from_).links, from_links - 1);
    EXPECT_EQ(attributes(to_).links, to_links + 1);
}

TEST_F(RenameTest, needs_permission_of_both) {
    const auto closed = make_directory(root(), "closed", 0755);
    make_file(closed, "file", "", 0666);
    become(1000, 1000);
    make_file(from_, "mine");
    refuse<Rename>(Status::access, {entry(closed, "file"), entry(to_, "new")});
    refuse<Rename>(Status::access, {entry(from_, "mine"), entry(closed, "new")});
}

TEST_F(RenameTest, is_durable_unless_the_export_is_async) {
    make_file(from_, "file");
    EXPECT_EQ(syncs([&] { succeed<Rename>({entry(from_, "file"), entry(to_, "file")}); }), 2U);
    EXPECT_EQ(syncs([&] { succeed<Rename>({entry(to_, "file"), entry(to_, "new")}); }), 1U);
    EXPECT_EQ(syncs([&] {
                  succeed<Rename>({entry(through("/async", to_), "new"),
                                   entry(through("/async", from_), "file")});
              }),
              0U);
}

TEST_F(RenameTest, that_cannot_be_made_durable_fails_and_shows_the_change) {
    make_file(from_, "file");
    const auto before = attributes(from_);
    fail_all(Operation::sync);
    const auto fail = refuse<Rename>(Status::io, {entry(from_, "file"), entry(to_, "new")});
    expect_wcc(fail.from_directory, before);
    EXPECT_FALSE(fail.from_directory.after->changed == before.changed);
}

TEST_F(LinkTest, gives_a_second_name) {
    const auto file_before = attributes(file_);
    const auto before = attributes(directory_);
    const auto ok = succeed<Link>({file_, entry(directory_, "second")});
    expect_wcc(ok.directory, before);
    ASSERT_TRUE(ok.file);
    EXPECT_EQ(ok.file->links, 2U);
    EXPECT_FALSE(ok.file->changed == file_before.changed);
    EXPECT_EQ(lookup(directory_, "second"), file_);
}

TEST_F(LinkTest, links_links_and_not_their_targets) {
    const auto link = make_link(root(), "link", "file");
    succeed<Link>({link, entry(directory_, "second")});
    EXPECT_EQ(lookup(directory_, "second"), link);
    EXPECT_EQ(attributes(file_).links, 1U);
}

TEST_F(LinkTest, takes_no_directory) {
    const auto now = attributes(root());
    const auto fail = refuse<Link>(Status::not_owner, {directory_, entry(root(), "second")});
    ASSERT_TRUE(fail.file);
    EXPECT_EQ(fail.file->type, FileType::directory);
    expect_unchanged(fail.directory, now);
}

TEST_F(LinkTest, takes_nothing_existing) {
    make_file(root(), "other");
    const auto fail = refuse<Link>(Status::exists, {file_, entry(root(), "other")});
    EXPECT_TRUE(fail.file);
    EXPECT_TRUE(fail.directory.after);
    refuse<Link>(Status::exists, {file_, entry(root(), "file")});
}

TEST_F(LinkTest, takes_nothing_that_is_gone) {
    const auto file = gone();
    const auto fail = refuse<Link>(Status::stale, {file, entry(root(), "new")});
    EXPECT_FALSE(fail.file);
    EXPECT_FALSE(exists(root(), "new"));
}

TEST_F(LinkTest, needs_permission_of_the_directory) {
    const auto closed = make_directory(root(), "closed", 0755);
    become(1000, 1000);
    refuse<Link>(Status::access, {file_, entry(closed, "second")});
}

TEST_F(LinkTest, is_durable_unless_the_export_is_async) {
    EXPECT_EQ(syncs([&] { succeed<Link>({file_, entry(directory_, "second")}); }), 2U);
    EXPECT_EQ(syncs([&] {
                  succeed<Link>(
                      {through("/async", file_), entry(through("/async", directory_), "third")});
              }),
              0U);
}

class LinkLimitTest : public ServiceTest {
protected:
    LinkLimitTest() : ServiceTest({}, {.links_max = 4}) {}
};

TEST_F(LinkLimitTest, too_many_links) {
    const auto file = make_file(root(), "file");
    for (int i = 2; i <= 4; ++i) succeed<Link>({file, entry(root(), std::to_string(i))});
    const auto fail = refuse<Link>(Status::too_many_links, {file, entry(root(), "5")});
    ASSERT_TRUE(fail.file);
    EXPECT_EQ(fail.file->links, 4U);
    make_directory(root(), "one");
    make_directory(root(), "two");
    refuse<MakeDirectory>(Status::too_many_links, {entry(root(), "three")});
    EXPECT_EQ(succeed<PathConfiguration>({root()}).links_max, 4U);
}

}  // namespace
}  // namespace berth::nfs
