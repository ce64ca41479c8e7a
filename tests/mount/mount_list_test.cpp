#include "mount/mount_list.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

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

class KeptMountList : public ::testing::Test {
protected:
    [[nodiscard]] std::string contents() const {
        std::ifstream in{file};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    test::TemporaryDirectory directory;
    std::filesystem::path file = directory.path() / "mounts";
};

TEST_F(KeptMountList, IsTheSameAfterARestart) {
    {
        MountList list{file};
        list.add("192.0.2.7", "/x y");
        list.add("2001:db8::1", "/new\nline and \\134");
        list.add("192.0.2.7", "/gone");
        list.add("192.0.2.8", "/");
        list.add("192.0.2.7", "/x y");
        list.remove("192.0.2.7", "/gone");
        list.remove_all("192.0.2.8");
    }
    const MountList again{file};
    EXPECT_THAT(again.all(), ElementsAre(Entry{"2001:db8::1", "/new\nline and \\134"},
                                         Entry{"192.0.2.7", "/x y"}));
    EXPECT_EQ(contents(), "2001:db8::1 /new\\012line and \\134134\n192.0.2.7 /x y\n");
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(KeptMountList, LeavesOutWhatIsNoMount) {
    std::ofstream{file} << "\n192.0.2.7\n /x\nhost path\nhost /bad\\999\nhost /bad\\\nhost /good\n"
                        << std::string(300, 'h') << " /x\nhost /" << std::string(1024, 'd') << "\n"
                        << "cut /sho";
    const MountList list{file};
    EXPECT_THAT(list.all(), ElementsAre(Entry{"host", "/good"}, Entry{"cut", "/sho"}));
}

TEST_F(KeptMountList, HoldsNoMoreThanThereIsRoomFor) {
    {
        std::ofstream out{file};
        for (std::size_t i = 0; i <= MountList::entries_max; ++i) out << "a /" << i << "\n";
    }
    const MountList list{file};
    EXPECT_THAT(list.all(), SizeIs(MountList::entries_max));
    EXPECT_EQ(list.all().front(), (Entry{"a", "/1"}));
}

TEST_F(KeptMountList, GoesOnWhereItCanNotBeWritten) {
    MountList list{directory.path() / "no such directory" / "mounts"};
    list.add("a", "/x");
    EXPECT_THAT(list.all(), SizeIs(1));
}

TEST_F(KeptMountList, HasWhatManyThreadsEnter) {
    {
        MountList list{file};
        std::vector<std::thread> threads;
        for (int host = 0; host < 4; ++host)
            threads.emplace_back([&list, host] {
                for (int n = 0; n < 20; ++n)
                    list.add(std::to_string(host), "/" + std::to_string(n));
            });
        for (auto& thread : threads) thread.join();
    }
    EXPECT_THAT(MountList{file}.all(), SizeIs(80));
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
