// NULL, FSSTAT, FSINFO, PATHCONF — RFC 1813 §3.3.0, §3.3.18 to §3.3.20.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class NullTest : public ServiceTest {};
class FileSystemStatusTest : public ServiceTest {
protected:
    FileSystemStatusTest() : ServiceTest({}, {.capacity_bytes = 1U << 20, .capacity_files = 100}) {}
};
class FileSystemInfoTest : public ServiceTest {};
class PathConfigurationTest : public ServiceTest {};

TEST_F(NullTest, answers_nothing_to_anybody) {
    EXPECT_TRUE(client_.call<Null>({}).has_value());
    become_nobody_known();
    EXPECT_TRUE(client_.call<Null>({}).has_value());
    EXPECT_EQ(wire_.on_workers, 0U);
}

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

TEST_F(PathConfigurationTest, says_how_names_are) {
    const auto now = attributes(root());
    const auto configuration = succeed<PathConfiguration>({root()});
    ASSERT_TRUE(configuration.attributes);
    EXPECT_EQ(*configuration.attributes, now);
    EXPECT_EQ(configuration.links_max, 32000U);
    EXPECT_EQ(configuration.name_bytes_max, 255U);
    EXPECT_TRUE(configuration.refuses_long_names);
    EXPECT_TRUE(configuration.restricts_chown);
    EXPECT_FALSE(configuration.case_insensitive);
    EXPECT_TRUE(configuration.case_preserving);
}

}  // namespace
}  // namespace berth::nfs
