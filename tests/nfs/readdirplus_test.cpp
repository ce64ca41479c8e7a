// READDIRPLUS — RFC 1813 §3.3.17.
#include "tests/nfs/listing.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class ReadDirectoryPlusTest : public Listing {};

TEST_F(ReadDirectoryPlusTest, names_what_goes_meanwhile_without_attributes) {
    make_file(root(), "file");
    const auto local = inner(root());
    before_next(Operation::peek, [&] { ASSERT_TRUE(local->remove(local_root, "file")); });
    const auto gone = item(root(), "file");
    EXPECT_FALSE(gone.attributes);
    EXPECT_FALSE(gone.object);
    EXPECT_NE(gone.fileid, 0U);
}

TEST_F(ReadDirectoryPlusTest, names_what_may_not_be_looked_at_without_attributes) {
    const auto directory = make_directory(root(), "directory", 0744);
    make_file(directory, "file");
    become(1000, 1000);
    const auto closed = item(directory, "file");
    EXPECT_FALSE(closed.attributes);
    EXPECT_FALSE(closed.object);
    // As with the root of another file system, which is never entered.
    become_root();
    fail_all(Operation::peek, std::errc::permission_denied);
    EXPECT_FALSE(item(directory, "file").object);
}

}  // namespace
}  // namespace berth::nfs
