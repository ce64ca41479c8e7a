// PATHCONF — RFC 1813 §3.3.20.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class PathConfigurationTest : public ServiceTest {};

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
