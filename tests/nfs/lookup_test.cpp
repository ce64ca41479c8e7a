// LOOKUP — RFC 1813 §3.3.3. Names are in names_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class LookupTest : public ServiceTest {};

TEST_F(LookupTest, gives_the_object_and_both_attributes) {
    const auto file = make_file(root(), "file", "text");
    const auto ok = succeed<Lookup>({entry(root(), "file")});
    EXPECT_EQ(KeptHandle{ok.object}, file);
    ASSERT_TRUE(ok.attributes);
    ASSERT_TRUE(ok.directory);
    const auto seen = *ok.attributes;
    const auto seen_directory = *ok.directory;
    EXPECT_EQ(seen, attributes(file));
    EXPECT_EQ(seen_directory, attributes(root()));
}

TEST_F(LookupTest, never_follows_a_link) {
    make_file(root(), "file");
    const auto link = make_link(root(), "link", "file");
    EXPECT_EQ(lookup(root(), "link"), link);
    EXPECT_EQ(attributes(link).type, FileType::symbolic_link);
}

TEST_F(LookupTest, of_nothing_shows_the_directory) {
    const auto now = attributes(root());
    const auto fail = refuse<Lookup>(Status::no_entry, {entry(root(), "nothing")});
    ASSERT_TRUE(fail.directory);
    EXPECT_EQ(*fail.directory, now);
}

TEST_F(LookupTest, needs_permission_to_search) {
    const auto closed = make_directory(root(), "closed", 0644);
    make_file(closed, "file");
    become(1000, 1000);
    refuse<Lookup>(Status::access, {entry(closed, "file")});
    refuse<Lookup>(Status::access, {entry(closed, "nothing")});
}

TEST_F(LookupTest, that_cannot_learn_attributes_goes_without) {
    const auto file = make_file(root(), "file");
    fail_all(Operation::attributes);
    const auto ok = succeed<Lookup>({entry(root(), "file")});
    EXPECT_EQ(KeptHandle{ok.object}, file);
    EXPECT_FALSE(ok.attributes);
    EXPECT_FALSE(ok.directory);
}

}  // namespace
}  // namespace berth::nfs
