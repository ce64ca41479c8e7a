// Names kept in memory: all of each object, and not more than so many.
#include "nfs/vfs/posix/names/store.hpp"

#include <span>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"

namespace berth::vfs::posix {
namespace {

class NamesInMemoryTest : public ::testing::Test {
protected:
    static ObjectId id(int number) { return ObjectId{std::as_bytes(std::span(&number, 1))}; }
    std::string names_of(int number) {
        std::string text;
        for (const auto& place : names.find(id(number))) text += place.name;
        return text;
    }
    NamesInMemory names{3};
};

TEST_F(NamesInMemoryTest, KeepsAllNamesOfAnObjectThoseSeenLastFirst) {
    EXPECT_EQ(names_of(1), "");
    names.put(id(1), id(0), "a");
    names.put(id(1), id(0), "b");
    names.put(id(1), id(0), "c");
    EXPECT_EQ(names_of(1), "cba");
    names.put(id(1), id(0), "a");
    EXPECT_EQ(names_of(1), "acb");
    names.erase(id(1), id(0), "c");
    names.erase(id(1), id(2), "b");
    EXPECT_EQ(names_of(1), "ab");
    names.erase(id(1), id(0), "a");
    names.erase(id(1), id(0), "b");
    EXPECT_EQ(names_of(1), "");
}

TEST_F(NamesInMemoryTest, LackOfMemoryLeavesNoHalfName) {
    int next = 0;
    berth::test::fail_each_allocation([&] { names.put(id(++next), id(-1), std::string(100, 'n')); },
                                      [&] {
                                          // As many as there is room for: each of these makes an
                                          // older one go.
                                          for (int n = 0; n < 4; ++n)
                                              names.put(id(1000 + n), id(-1), "name");
                                      });
}

TEST_F(NamesInMemoryTest, TheLongestUnusedAreForgotten) {
    names.put(id(1), id(0), "a");
    names.put(id(2), id(0), "b");
    names.put(id(2), id(0), "c");
    EXPECT_EQ(names_of(1), "a");
    names.put(id(3), id(0), "d");
    EXPECT_EQ(names_of(2), "c");
    EXPECT_EQ(names_of(1), "a");
    names.put(id(4), id(3), "e");
    EXPECT_EQ(names_of(2), "");
    EXPECT_EQ(names_of(3), "d") << "used by what lies in it";
}

TEST_F(NamesInMemoryTest, OneObjectHasSoManyNamesAndNoMore) {
    NamesInMemory plenty{10'000};
    for (int n = 0; n < 2000; ++n) plenty.put(id(1), id(0), std::to_string(n));
    const auto found = plenty.find(id(1));
    EXPECT_EQ(found.size(), NameStore::names_per_object_max);
    EXPECT_EQ(found.front().name, "1999");
}

}  // namespace
}  // namespace berth::vfs::posix
