// GETATTR — RFC 1813 §3.3.1.
#include <array>

#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class GetAttributesTest : public ServiceTest {};

TEST_F(GetAttributesTest, tells_each_kind) {
    const auto file = make_file(root(), "file", "contents", 04751);
    const auto seen = attributes(file);
    EXPECT_EQ(seen.type, FileType::regular);
    EXPECT_EQ(seen.mode, 04751U) << "no type bits";
    EXPECT_EQ(seen.links, 1U);
    EXPECT_EQ(seen.size, 8U);
    EXPECT_GE(seen.used, 8U);
    EXPECT_EQ(seen.device.major, 0U);
    EXPECT_NE(seen.fileid, 0U);

    constexpr std::array types{FileType::directory, FileType::symbolic_link, FileType::fifo,
                               FileType::socket, FileType::block_device};
    const auto others = make_others(root());
    ASSERT_EQ(others.size(), types.size());
    for (std::size_t i = 0; i < types.size(); ++i) EXPECT_EQ(attributes(others[i]).type, types[i]);
    EXPECT_EQ(attributes(others.back()).device.major, 8U);
    EXPECT_EQ(attributes(others.back()).device.minor, 1U);
}

TEST_F(GetAttributesTest, sees_uncommitted_writes) {
    const auto file = make_file(root(), "file");
    succeed<Write>({.file = file, .offset = 1000, .count = 3, .data = data_of("end")});
    EXPECT_EQ(attributes(file).size, 1003U);
}

TEST_F(GetAttributesTest, failing_has_no_arm) {
    fail_all(vfs::faulty::Operation::attributes);
    refuse<GetAttributes>(Status::io, {root()});
}

}  // namespace
}  // namespace berth::nfs
