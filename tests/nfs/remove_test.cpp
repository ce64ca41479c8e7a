// REMOVE — RFC 1813 §3.3.12. Names are in names_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;
using vfs::faulty::Operation;

class RemoveTest : public ServiceTest {};

TEST_F(RemoveTest, takes_the_name_away) {
    const auto file = make_file(root(), "file");
    const auto before = attributes(root());
    const auto ok = succeed<Remove>({entry(root(), "file")});
    expect_wcc(ok.directory, before);
    EXPECT_FALSE(ok.directory.after->changed == before.changed);
    EXPECT_FALSE(exists(root(), "file"));
    refuse<GetAttributes>(Status::stale, {file});
    refuse<Remove>(Status::no_entry, {entry(root(), "file")});
}

TEST_F(RemoveTest, takes_every_kind_but_directories) {
    make_others(root());
    for (const auto name : {"a link"sv, "a fifo"sv, "a socket"sv, "a device"sv})
        succeed<Remove>({entry(root(), name)});
    const auto now = attributes(root());
    expect_unchanged(refuse<Remove>(Status::is_directory, {entry(root(), "a directory")}).directory,
                     now);
    EXPECT_TRUE(exists(root(), "a directory"));
}

TEST_F(RemoveTest, leaves_other_names_of_the_object) {
    const auto file = make_file(root(), "file", "text");
    succeed<Link>({file, entry(root(), "second")});
    succeed<Remove>({entry(root(), "file")});
    EXPECT_EQ(contents(file), "text");
    EXPECT_EQ(attributes(file).links, 1U);
}

TEST_F(RemoveTest, of_a_link_leaves_its_target) {
    make_file(root(), "file");
    make_link(root(), "link", "file");
    succeed<Remove>({entry(root(), "link")});
    EXPECT_TRUE(exists(root(), "file"));
}

TEST_F(RemoveTest, needs_permission_of_the_directory) {
    const auto closed = make_directory(root(), "closed", 0755);
    make_file(closed, "file", "", 0666);
    const auto sticky = make_directory(root(), "sticky", 01777);
    make_file(sticky, "file", "", 0666);
    const auto now = attributes(closed);
    become(1000, 1000);
    expect_unchanged(refuse<Remove>(Status::access, {entry(closed, "file")}).directory, now);
    refuse<Remove>(Status::not_owner, {entry(sticky, "file")});
}

TEST_F(RemoveTest, is_durable_unless_the_export_is_async) {
    make_file(root(), "one");
    make_file(root(), "two");
    EXPECT_EQ(syncs([&] { succeed<Remove>({entry(root(), "one")}); }), 1U);
    EXPECT_EQ(syncs([&] { succeed<Remove>({entry(root("/async"), "two")}); }), 0U);
}

TEST_F(RemoveTest, that_cannot_be_made_durable_fails_and_shows_the_change) {
    make_file(root(), "file");
    const auto before = attributes(root());
    fail_all(Operation::sync);
    const auto fail = refuse<Remove>(Status::io, {entry(root(), "file")});
    expect_wcc(fail.directory, before);
    EXPECT_FALSE(fail.directory.after->changed == before.changed);
}

}  // namespace
}  // namespace berth::nfs
