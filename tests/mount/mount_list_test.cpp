#include "mount/mount_list.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::mount {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Entry = MountList::Entry;

TEST(MountList, KeepsPairsOfHostAndDirectory) {
    MountList list;
    list.add("a", "/x");
    list.add("b", "/x");
    list.add("a", "/y");
    EXPECT_THAT(list.all(), ElementsAre(Entry{"a", "/x"}, Entry{"b", "/x"}, Entry{"a", "/y"}));
}

TEST(MountList, AnotherMountOfTheSameMakesItTheNewest) {
    MountList list;
    list.add("a", "/x");
    list.add("b", "/x");
    list.add("a", "/x");
    EXPECT_THAT(list.all(), ElementsAre(Entry{"b", "/x"}, Entry{"a", "/x"}));
}

TEST(MountList, RemovesThePairAndNothingElse) {
    MountList list;
    list.add("a", "/x");
    list.add("a", "/y");
    list.add("b", "/x");
    list.remove("a", "/x");
    list.remove("a", "/never");
    list.remove("never", "/x");
    EXPECT_THAT(list.all(), ElementsAre(Entry{"a", "/y"}, Entry{"b", "/x"}));
}

TEST(MountList, RemovesAllOfAHostAndOfNoOther) {
    MountList list;
    for (const auto* const host : {"10.0.0.1", "10.0.0.10", "10.0.0.1", "10.0.0"}) {
        list.add(host, "/");
        list.add(host, "/x");
    }
    list.remove_all("10.0.0.1");
    EXPECT_THAT(list.all(), ElementsAre(Entry{"10.0.0.10", "/"}, Entry{"10.0.0.10", "/x"},
                                        Entry{"10.0.0", "/"}, Entry{"10.0.0", "/x"}));
    list.remove_all("never");
    EXPECT_THAT(list.all(), SizeIs(4));
}

TEST(MountList, WhenItIsFullTheOldestGoes) {
    MountList list;
    for (std::size_t i = 0; i < MountList::entries_max; ++i) list.add("a", std::to_string(i));
    list.add("a", "0");
    list.add("a", "new");
    const auto all = list.all();
    EXPECT_THAT(all, SizeIs(MountList::entries_max));
    EXPECT_EQ(all.front(), (Entry{"a", "2"}));
    EXPECT_EQ(all.back(), (Entry{"a", "new"}));
    list.remove_all("a");
    EXPECT_THAT(list.all(), IsEmpty());
}

TEST(MountList, TextsTooLongForTheProtocolAreNotEntered) {
    MountList list;
    list.add(std::string(name_bytes_max, 'h'), std::string(path_bytes_max, 'd'));
    EXPECT_THAT(list.all(), SizeIs(1));
    list.add(std::string(name_bytes_max + 1, 'h'), "/x");
    list.add("a", std::string(path_bytes_max + 1, 'd'));
    EXPECT_THAT(list.all(), SizeIs(1));
}

}  // namespace
}  // namespace berth::mount
