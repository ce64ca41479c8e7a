// RENAME — RFC 1813 §3.3.14. Names are in names_test.cpp.
#include <string>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class RenameTest : public ServiceTest {
protected:
    const KeptHandle from_ = make_directory(root(), "from", 0777);
    const KeptHandle to_ = make_directory(root(), "to", 0777);
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

}  // namespace
}  // namespace berth::nfs
