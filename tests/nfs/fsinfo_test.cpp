// FSINFO — RFC 1813 §3.3.19.
#include <limits>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class FileSystemInfoTest : public ServiceTest {};

TEST_F(FileSystemInfoTest, says_what_can_be_transferred) {
    const auto now = attributes(root());
    const auto info = succeed<FileSystemInfo>({root()});
    ASSERT_TRUE(info.attributes);
    EXPECT_EQ(*info.attributes, now);
    EXPECT_EQ(info.read_max, 1U << 20);
    EXPECT_EQ(info.read_preferred, 1U << 20);
    EXPECT_EQ(info.read_multiple, 4096U);
    EXPECT_EQ(info.write_max, 1U << 20);
    EXPECT_EQ(info.write_preferred, 1U << 20);
    EXPECT_EQ(info.write_multiple, 4096U);
    EXPECT_GE(info.directory_preferred, 4096U);
    EXPECT_LE(info.directory_preferred, 1U << 20);
    EXPECT_LE(info.file_bytes_max, (std::uint64_t{1} << 63) - 1);
    EXPECT_EQ(info.time_granularity, (Time{0, 1}));
    EXPECT_EQ(info.properties, 0x1BU);
}

TEST_F(FileSystemInfoTest, promises_less_over_udp) {
    wire_.transport = rpc::Transport::udp;
    const auto info = succeed<FileSystemInfo>({root()});
    EXPECT_EQ(info.read_max, 32768U);
    EXPECT_EQ(info.read_preferred, 32768U);
    EXPECT_EQ(info.write_max, 32768U);
    EXPECT_EQ(info.write_preferred, 32768U);
    EXPECT_EQ(info.directory_preferred, 32768U);
}

TEST_F(FileSystemInfoTest, is_about_any_object) {
    for (const auto& other : make_others(root())) {
        const auto now = attributes(other);
        const auto info = succeed<FileSystemInfo>({other});
        ASSERT_TRUE(info.attributes);
        EXPECT_EQ(*info.attributes, now);
    }
}

}  // namespace
}  // namespace berth::nfs
