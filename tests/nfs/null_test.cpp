// NULL — RFC 1813 §3.3.0.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class NullTest : public ServiceTest {};

TEST_F(NullTest, answers_nothing_to_anybody) {
    EXPECT_TRUE(client_.call<Null>({}).has_value());
    become_nobody_known();
    EXPECT_TRUE(client_.call<Null>({}).has_value());
    EXPECT_EQ(wire_.on_workers, 0U);
}

}  // namespace
}  // namespace berth::nfs
