#include "mount/mount_list.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kept_state.hpp"
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

/// A list that lives until the test "restarts" the server.
struct Kept {
    explicit Kept(const boost::filesystem::path& folder, state::Store::Options options = {})
        : state(folder, std::move(options)),
          list(&state.store) {}
    test::KeptState state;
    MountList list;
};

class KeptMountList : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<Entry> after_restart() const {
        return Kept{directory.path()}.list.all();
    }

    test::TemporaryDirectory directory;
    boost::filesystem::path file = directory.path() / "mounts";
};

TEST_F(KeptMountList, IsTheSameAfterARestart) {
    {
        Kept kept{directory.path()};
        auto& list = kept.list;
        list.add("192.0.2.7", "/x y");
        list.add("2001:db8::1", "/new\nline and \\134");
        list.add("192.0.2.7", "/gone");
        list.add("192.0.2.8", "/");
        list.add("192.0.2.7", "/x y");
        list.remove("192.0.2.7", "/gone");
        list.remove_all("192.0.2.8");
    }
    EXPECT_THAT(after_restart(), ElementsAre(Entry{"2001:db8::1", "/new\nline and \\134"},
                                             Entry{"192.0.2.7", "/x y"}));
    EXPECT_EQ(boost::filesystem::status(file).permissions(),
              boost::filesystem::perms::owner_read | boost::filesystem::perms::owner_write);
}

TEST_F(KeptMountList, IsTakenFromTheTextOfEarlierVersions) {
    std::ofstream{file} << "\n192.0.2.7\n /x\nhost path\nhost /bad\\999\nhost /bad\\\nhost /good\n"
                        << std::string(300, 'h') << " /x\nhost /" << std::string(1024, 'd') << "\n"
                        << "a /new\\012line and \\134134\ncut /sho";
    const std::vector<Entry> all{{"host", "/good"}, {"a", "/new\nline and \\134"}, {"cut", "/sho"}};
    EXPECT_EQ(after_restart(), all);
    EXPECT_EQ(after_restart(), all) << "it is no text any more";
}

TEST_F(KeptMountList, HoldsNoMoreThanThereIsRoomFor) {
    {
        std::ofstream out{file};
        for (std::size_t i = 0; i <= MountList::entries_max; ++i) out << "a /" << i << "\n";
    }
    EXPECT_THAT(after_restart(), SizeIs(MountList::entries_max));
    EXPECT_EQ(after_restart().front(), (Entry{"a", "/1"}));
}

TEST_F(KeptMountList, GoesOnWhereItCanNotBeWritten) {
    boost::filesystem::create_directory(directory.path() / "state");
    Kept kept{directory.path() / "state"};
    boost::filesystem::remove(directory.path() / "state");
    kept.list.add("a", "/x");
    EXPECT_THAT(kept.list.all(), SizeIs(1));
}

TEST_F(KeptMountList, GoesOnWithWhatIsLeftOfADamagedFile) {
    {
        Kept kept{directory.path()};
        kept.list.add("a", "/x");
        kept.list.add("b", "/y");
    }
    std::fstream bytes{file};
    bytes.seekp(-1, std::ios::end);
    bytes << '?';
    bytes.close();
    EXPECT_THAT(after_restart(), ElementsAre(Entry{"a", "/x"}));
    const auto aside = directory.path() / "mounts.damaged-1";
    EXPECT_TRUE(boost::filesystem::exists(aside));
    EXPECT_FALSE(boost::filesystem::equivalent(file, aside)) << "the next start finds it whole";
    EXPECT_THAT(after_restart(), ElementsAre(Entry{"a", "/x"}));
}

TEST_F(KeptMountList, HasWhatManyThreadsEnter) {
    {
        Kept kept{directory.path()};
        std::vector<std::thread> threads;
        for (int host = 0; host < 4; ++host)
            threads.emplace_back([&kept, host] {
                for (int n = 0; n < 20; ++n)
                    kept.list.add(std::to_string(host), "/" + std::to_string(n));
            });
        for (auto& thread : threads) thread.join();
    }
    EXPECT_THAT(after_restart(), SizeIs(80));
}

/// Bytes that this process has handed to write(2) and its like.
std::size_t bytes_written() {
    std::ifstream in{"/proc/self/io"};
    std::string key;
    std::size_t bytes = 0;
    while (in >> key >> bytes)
        if (key == "wchar:") return bytes;
    throw std::runtime_error{"/proc/self/io"};
}

TEST_F(KeptMountList, WritesAsMuchAsChanges) {
    constexpr std::size_t mounts = 13'000;
    int writes = 0;
    Kept kept{directory.path(), {.synchronize = [&](int) { return ++writes * 0; }}};
    for (int n = 0; n < 500; ++n) kept.list.add("192.0.2." + std::to_string(n % 250), "/before");
    const auto before = bytes_written();
    for (std::size_t n = 0; n < mounts; ++n)
        kept.list.add("192.0.2." + std::to_string(n % 250), "/export/" + std::to_string(n % 7));
    EXPECT_LT(bytes_written() - before, mounts * 100);
    writes = 0;
    for (int n = 0; n < 100; ++n) kept.list.add("192.0.2.9", "/the same");
    EXPECT_EQ(writes, 1);
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
