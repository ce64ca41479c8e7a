// FSSTAT — RFC 1813 §3.3.18.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class FileSystemStatusTest : public ServiceTest {
protected:
    FileSystemStatusTest() : ServiceTest({}, {.capacity_bytes = 1U << 20, .capacity_files = 100}) {}
};

TEST_F(FileSystemStatusTest, counts_bytes_and_files) {
    const auto now = attributes(root());
    const auto empty = succeed<FileSystemStatus>({root()});
    ASSERT_TRUE(empty.attributes);
    EXPECT_EQ(*empty.attributes, now);
    EXPECT_EQ(empty.total_bytes, 1U << 20);
    EXPECT_EQ(empty.free_bytes, 1U << 20);
    EXPECT_EQ(empty.available_bytes, 1U << 20);
    EXPECT_EQ(empty.total_files, 100U);
    EXPECT_EQ(empty.free_files, 99U);
    EXPECT_EQ(empty.available_files, 99U);
    EXPECT_EQ(empty.unchanged_seconds, 0U) << "it may change at any time";

    const auto file = make_file(root(), "file", "text");
    const auto used = succeed<FileSystemStatus>({file});
    EXPECT_EQ(used.free_bytes, (1U << 20) - 4096);
    EXPECT_EQ(used.free_files, 98U);
}

TEST_F(FileSystemStatusTest, fails_with_attributes) {
    fail_all(Operation::space);
    EXPECT_TRUE(refuse<FileSystemStatus>(Status::io, {root()}).attributes);
}

}  // namespace
}  // namespace berth::nfs
