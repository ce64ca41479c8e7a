#include "rpc/net/caution.hpp"

#include <gtest/gtest.h>

namespace berth::rpc::net {
namespace {

TEST(Caution, StartsLow) {
    Caution caution{4, 2};
    EXPECT_EQ(caution.calls_after(1), 4U);
}

TEST(Caution, DoublesWhenItHappensAgainSoon) {
    Caution caution{4, 2};
    static_cast<void>(caution.calls_after(100));
    EXPECT_EQ(caution.calls_after(107), 8U);
    EXPECT_EQ(caution.calls_after(122), 16U);
}

TEST(Caution, StartsLowAgainAfterSomeQuiet) {
    Caution caution{4, 2};
    static_cast<void>(caution.calls_after(100));
    static_cast<void>(caution.calls_after(101));
    EXPECT_EQ(caution.calls_after(101 + 2 * 8), 4U);
}

TEST(Caution, HasACeiling) {
    Caution caution{4, 2};
    for (std::uint64_t section = 1; section < 100; ++section)
        static_cast<void>(caution.calls_after(section));
    EXPECT_EQ(caution.calls_after(100), Caution::calls_max);
}

}  // namespace
}  // namespace berth::rpc::net
