// Ids in a user namespace.
#include "nfs/vfs/mapped_ids.hpp"

#include <gtest/gtest.h>

namespace berth::vfs {
namespace {

constexpr std::uint32_t no_id = 0xFFFFFFFF;

TEST(MappedIds, AreAllOutsideOfNamespaces) {
    const MappedIds ids{"         0          0 4294967295\n"};
    EXPECT_TRUE(ids.has_all());
    EXPECT_TRUE(ids.has(0));
    EXPECT_TRUE(ids.has(4294967294));
    EXPECT_FALSE(ids.has(no_id));
    EXPECT_EQ(ids.one_besides(0), 1U);
    EXPECT_TRUE(MappedIds{}.has_all());
}

TEST(MappedIds, AreThoseOfTheRanges) {
    const MappedIds ids{"0 1000 1\n1 100000 999\n2000 5000 10\n"};
    EXPECT_FALSE(ids.has_all());
    for (const std::uint32_t id : {0U, 1U, 999U, 2000U, 2009U}) EXPECT_TRUE(ids.has(id)) << id;
    for (const std::uint32_t id : {1000U, 1999U, 2010U, 65534U, no_id})
        EXPECT_FALSE(ids.has(id)) << id;
    EXPECT_EQ(ids.one_besides(0), 1U);
    EXPECT_EQ(MappedIds{"0 1000 1\n"}.one_besides(0), 0U) << "there is no other";
    EXPECT_EQ(MappedIds{"5000 1000 2\n"}.one_besides(0), 5000U);
}

TEST(MappedIds, AreNoneWhereNothingCanBeRead) {
    const MappedIds ids{""};
    EXPECT_FALSE(ids.has(0));
    EXPECT_FALSE(MappedIds{"a b c\n1 2\n"}.has(1));
    EXPECT_FALSE(ids.has_all());
}

TEST(MappedIds, OfAProcessHaveItsOwn) {
    const auto mapped = MappedOwners::of_process();
    EXPECT_TRUE(mapped.users.has(0));
    EXPECT_TRUE(mapped.groups.has(0));
}

}  // namespace
}  // namespace berth::vfs
