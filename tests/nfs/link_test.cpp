// LINK — RFC 1813 §3.3.15. Names are in names_test.cpp.
#include <string>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class LinkTest : public ServiceTest {
protected:
    const KeptHandle file_ = make_file(root(), "file", "text");
    const KeptHandle directory_ = make_directory(root(), "directory", 0777);
};

class LinkLimitTest : public ServiceTest {
protected:
    LinkLimitTest() : ServiceTest({}, {.links_max = 4}) {}
};

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
