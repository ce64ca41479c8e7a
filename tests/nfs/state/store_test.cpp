// Lists that survive the server's end: what is on disk after which end, what it costs, and what is
// said of a file that is not whole.
#include "nfs/state/store.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>

#include "nfs/vfs/kept_identity.hpp"
#include "tests/media/exported_directory.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/kept_state.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::state {

inline void PrintTo(const Store::Entry& entry, std::ostream* out) {
    *out << entry.key << " = " << entry.value;
}

namespace {

using test::KeptState;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Entry = Store::Entry;
using Entries = Store::Entries;
using News = Store::News;
using What = News::What;

std::string read_file(const boost::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const boost::filesystem::path& file, const std::string& bytes) {
    boost::filesystem::remove(file);
    std::ofstream{file, std::ios::binary} << bytes;
}

/// A server's view of the list in one file of a directory.
class List {
public:
    explicit List(const boost::filesystem::path& folder, Store::Options options = {})
        : state_(folder, std::move(options)),
          file_(state_.store, {.name = "list",
                               .tell = [this](const News& news) { news_.push_back(news); },
                               .convert = [](const std::string& text) -> std::optional<Entries> {
                                   if (!text.starts_with("old ")) return {};
                                   return Entries{{text.substr(4), "converted"}};
                               }}) {}

    Store::File* operator->() { return &file_; }
    std::error_code put(const std::string& key, const std::string& value = "value") {
        return file_.wait_for(file_.put(key, value));
    }
    std::error_code erase(const std::string& key) { return file_.wait_for(file_.erase(key)); }
    [[nodiscard]] const Entries& found() const { return file_.found(); }
    [[nodiscard]] const std::vector<News>& news() const { return news_; }
    [[nodiscard]] std::vector<What> told() const {
        std::vector<What> all;
        for (const auto& news : news_) all.push_back(news.what);
        return all;
    }

private:
    std::vector<News> news_;
    KeptState state_;
    Store::File file_;
};

class StateStoreTest : public ::testing::Test {
protected:
    [[nodiscard]] List open(Store::Options options = {}) const {
        return List{folder, std::move(options)};
    }
    [[nodiscard]] Entries found() const { return open().found(); }
    [[nodiscard]] boost::filesystem::path file() const { return folder / "list"; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : boost::filesystem::directory_iterator{folder})
            all.push_back(entry.path().filename().string());
        std::ranges::sort(all);
        return all;
    }
    /// Five entries; the bytes of the file, and how long it was after each.
    std::string five(std::vector<std::size_t>* sizes = nullptr) {
        auto list = open();
        for (const auto* key : {"a", "b", "c", "d", "e"}) {
            EXPECT_FALSE(list.put(key, std::string{"value of "} + key));
            if (sizes != nullptr) sizes->push_back(boost::filesystem::file_size(file()));
        }
        return read_file(file());
    }
    /// Counts, and fails when told so.
    Store::Options counting() {
        return {.synchronize = [this](int number) {
            gate.pass();
            ++synchronizations;
            if (!is_failing) return ::fdatasync(number);
            errno = EIO;
            return -1;
        }};
    }

    test::TemporaryDirectory directory;
    test::TemporaryDirectory elsewhere;
    boost::filesystem::path folder = directory.path();
    test::Gate gate;
    std::atomic<int> synchronizations{0};
    std::atomic<bool> is_failing{false};
};

TEST_F(StateStoreTest, AListIsTheSameAfterARestart) {
    EXPECT_THAT(found(), IsEmpty());
    EXPECT_THAT(names(), IsEmpty()) << "nothing had to be written";
    {
        auto list = open();
        EXPECT_FALSE(list.put("a", "1"));
        EXPECT_FALSE(list.put(std::string{"b\n\0", 3}, std::string(60'000, 'x')));
        EXPECT_FALSE(list.put("c", ""));
        EXPECT_FALSE(list.put("a", "2"));
        EXPECT_FALSE(list.erase("c"));
        list->put("not waited for", "3");
        EXPECT_THAT(list.news(), IsEmpty());
    }
    EXPECT_THAT(names(), ElementsAre("list"));
    EXPECT_THAT(found(), ElementsAre(Entry{std::string{"b\n\0", 3}, std::string(60'000, 'x')},
                                     Entry{"a", "2"}, Entry{"not waited for", "3"}));
    EXPECT_EQ(vfs::posix::local_status(file()).st_mode, S_IFREG | 0600U);
}

TEST_F(StateStoreTest, WhatIsPutLastIsTheLast) {
    {
        auto list = open();
        for (const auto* key : {"a", "b", "c", "b"}) list->put_last(key, "");
    }
    EXPECT_THAT(found(), ElementsAre(Entry{"a", ""}, Entry{"c", ""}, Entry{"b", ""}));
    auto list = open();
    EXPECT_EQ(list->put_last("b", ""), 0U);
    EXPECT_FALSE(list->wait_for(list->put_last("a", "")));
    EXPECT_THAT(found(), ElementsAre(Entry{"c", ""}, Entry{"b", ""}, Entry{"a", ""}));
}

TEST_F(StateStoreTest, WhatIsWaitedForIsOnDisk) {
    auto list = open();
    for (int n = 0; n < 20; ++n) {
        ASSERT_FALSE(list.put(std::to_string(n)));
        EXPECT_EQ(found().back().key, std::to_string(n));
    }
}

TEST_F(StateStoreTest, WhatChangesNothingIsNotWritten) {
    five();
    auto list = open(counting());
    EXPECT_EQ(list->put("a", "value of a"), 0U);
    EXPECT_EQ(list->erase("never"), 0U);
    EXPECT_EQ(synchronizations, 0);
    // While another change is written, one is made and taken back.
    gate.close();
    const auto first = list->put("f", "");
    gate.await_held_back(1);
    list->erase("b");
    list->put("b", "value of b");
    list->put("g", "");
    const auto last = list->erase("g");
    gate.open();
    EXPECT_FALSE(list->wait_for(std::max(first, last)));
    EXPECT_EQ(synchronizations, 1);
}

TEST_F(StateStoreTest, WhatWaitsTogetherIsWrittenTogether) {
    constexpr int waiters = 16;
    auto list = open(counting());
    ASSERT_FALSE(list.put("first"));
    const auto before = synchronizations.load();
    gate.close();
    list->put("second", "");
    gate.await_held_back(1);
    std::atomic<int> noted{0};
    std::vector<std::thread> all;
    for (int n = 0; n < waiters; ++n)
        all.emplace_back([&, n] {
            const auto change = list->put(std::to_string(n), "");
            ++noted;
            EXPECT_FALSE(list->wait_for(change));
        });
    while (noted < waiters) std::this_thread::yield();
    gate.open();
    for (auto& one : all) one.join();
    EXPECT_EQ(synchronizations - before, 2);
    EXPECT_THAT(found(), SizeIs(waiters + 2));
}

TEST_F(StateStoreTest, ALackOfMemoryIsToldAndPasses) {
    std::atomic<bool> lacks{false};
    auto list = open({.synchronize = [&](int) -> int {
        if (lacks) throw std::bad_alloc{};
        return 0;
    }});
    EXPECT_FALSE(list.put("first"));
    lacks = true;
    EXPECT_EQ(list.put("second"), std::errc::not_enough_memory);
    lacks = false;
    EXPECT_FALSE(list.put("third"));
    EXPECT_THAT(list.told(), ElementsAre(What::fails, What::works));
}

TEST_F(StateStoreTest, AFileIsNotMuchLongerThanWhatCounts) {
    constexpr int changes = 20'000;
    std::size_t longest = 0;
    {
        auto list = open({.synchronize = [](int) { return 0; }});
        list->put("stays", "");
        for (int n = 0; n < changes; ++n) {
            ASSERT_FALSE(list.put("comes and goes", std::to_string(n)));
            longest = std::max(longest, boost::filesystem::file_size(file()));
        }
    }
    EXPECT_GT(longest, std::size_t{60} << 10) << "it is not written anew all the time";
    EXPECT_LT(longest, std::size_t{70} << 10);
    EXPECT_THAT(found(), ElementsAre(Entry{"stays", ""},
                                     Entry{"comes and goes", std::to_string(changes - 1)}));
    EXPECT_THAT(names(), ElementsAre("list"));
}

TEST_F(StateStoreTest, ATornTailIsCutOffWhereverItIsTorn) {
    std::vector<std::size_t> sizes;
    const auto whole = five(&sizes);
    const auto header = sizes[0] - (sizes[1] - sizes[0]);
    for (auto bytes = header; bytes <= whole.size(); ++bytes) {
        write_file(file(), whole.substr(0, bytes));
        const auto kept = static_cast<std::size_t>(
            std::ranges::count_if(sizes, [&](std::size_t size) { return size <= bytes; }));
        const bool is_torn = bytes != header && std::ranges::find(sizes, bytes) == sizes.end();
        {
            auto list = open();
            EXPECT_THAT(list.found(), SizeIs(kept)) << bytes;
            EXPECT_FALSE(list->may_lack_entries()) << bytes;
            EXPECT_EQ(list.told(), is_torn ? std::vector{What::cut} : std::vector<What>{}) << bytes;
            ASSERT_FALSE(list.put("new"));
        }
        auto again = open();
        EXPECT_THAT(again.found(), SizeIs(kept + 1)) << bytes;
        EXPECT_EQ(again.found().back().key, "new");
        EXPECT_THAT(again.news(), IsEmpty()) << bytes;
    }
    // A file that grew before its bytes came.
    write_file(file(), whole + std::string(4096, '\0'));
    auto list = open();
    EXPECT_THAT(list.found(), SizeIs(5));
    EXPECT_THAT(list.told(), ElementsAre(What::cut));
}

TEST_F(StateStoreTest, AFileThatIsCutBeforeItsFirstRecordIsDamaged) {
    std::vector<std::size_t> sizes;
    const auto whole = five(&sizes);
    const auto header = sizes[0] - (sizes[1] - sizes[0]);
    for (std::size_t bytes = 0; bytes < header; ++bytes) {
        write_file(file(), whole.substr(0, bytes));
        auto list = open();
        EXPECT_TRUE(list->may_lack_entries()) << bytes;
        EXPECT_THAT(list.told(), ElementsAre(What::damaged)) << bytes;
    }
}

TEST_F(StateStoreTest, NoFlippedBitMakesAListShorterUnsaid) {
    const auto whole = five();
    const auto all = found();
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto flipped = whole;
            flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
            write_file(file(), flipped);
            auto list = open();
            ASSERT_TRUE(list->may_lack_entries()) << at << " " << bit;
            ASSERT_THAT(list.told(), ElementsAre(What::damaged)) << at << " " << bit;
            for (const auto& entry : list.found()) ASSERT_THAT(all, testing::Contains(entry));
        }
    EXPECT_THAT(names(), ElementsAre("list", "list.damaged-1", "list.damaged-2", "list.damaged-3",
                                     "list.damaged-4"))
        << "so many are kept";
}

TEST_F(StateStoreTest, WhatIsBehindDamageIsReadAllTheSame) {
    std::vector<std::size_t> sizes;
    auto bytes = five(&sizes);
    bytes[sizes[1] - 1] ^= 1;
    write_file(file(), bytes);
    const auto there = found();
    ASSERT_THAT(there, SizeIs(4));
    EXPECT_EQ(there[1].key, "c");
}

TEST_F(StateStoreTest, ADamagedFileStaysUntilAnotherIsInItsPlace) {
    auto bytes = five();
    bytes.back() ^= 1;
    write_file(file(), bytes);
    for (int times = 0; times < 3; ++times) {
        auto list = open();
        EXPECT_TRUE(list->may_lack_entries()) << "or the second start would believe it";
        EXPECT_EQ(list.news().front().aside, "list.damaged-1");
    }
    {
        auto list = open();
        EXPECT_FALSE(list.put("new"));
    }
    auto list = open();
    EXPECT_FALSE(list->may_lack_entries());
    EXPECT_THAT(list.found(), SizeIs(5));
    EXPECT_EQ(read_file(folder / "list.damaged-1"), bytes);
    EXPECT_THAT(names(), ElementsAre("list", "list.damaged-1"));
}

TEST_F(StateStoreTest, WhatIsNoFileIsDamageToo) {
    const auto victim = elsewhere.path() / "victim";
    write_file(victim, five());
    for (const auto* kind : {"link", "FIFO", "directory", "far too long", "a newer version's"}) {
        boost::filesystem::remove_all(folder);
        boost::filesystem::create_directory(folder);
        const std::string_view which{kind};
        if (which == "link") boost::filesystem::create_symlink(victim, file());
        if (which == "FIFO") {
            ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
        }
        if (which == "directory") boost::filesystem::create_directory(file());
        if (which == "far too long") {
            write_file(file(), "");
            boost::filesystem::resize_file(file(), Folder::bytes_max + 1);
        }
        if (which == "a newer version's") {
            auto bytes = read_file(victim);
            bytes[7] = 2;
            write_file(file(), bytes);
        }
        {
            auto list = open();
            EXPECT_TRUE(list->may_lack_entries()) << kind;
            EXPECT_THAT(list.told(), ElementsAre(What::damaged)) << kind;
            EXPECT_FALSE(list.put("new")) << kind;
        }
        EXPECT_THAT(found(), ElementsAre(Entry{"new", "value"})) << kind;
        EXPECT_THAT(names(), ElementsAre("list", "list.damaged-1")) << kind;
    }
}

TEST_F(StateStoreTest, ATextOfEarlierVersionsIsConvertedAtOnce) {
    write_file(file(), "old text");
    {
        auto list = open();
        EXPECT_THAT(list.found(), ElementsAre(Entry{"text", "converted"}));
        EXPECT_FALSE(list->may_lack_entries());
        EXPECT_THAT(list.news(), IsEmpty());
    }
    EXPECT_FALSE(read_file(file()).starts_with("old"));
    EXPECT_THAT(found(), ElementsAre(Entry{"text", "converted"}));
    write_file(file(), "other text");
    EXPECT_TRUE(open()->may_lack_entries());
}

TEST_F(StateStoreTest, WhatWasAcknowledgedOutlivesAKill) {
    for (int times = 0; times < 5; ++times) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe(pipe.data()), 0);
        const auto child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto list = open({.synchronize = [](int) { return 0; }});
            for (int n = 0;; ++n) {
                if (list.put(std::to_string(times) + " " + std::to_string(n))) ::_exit(1);
                list->put("comes and goes", std::string(3000, static_cast<char>('a' + n % 26)));
                if (::write(pipe[1], &n, sizeof n) != sizeof n) ::_exit(1);
            }
        }
        ::close(pipe[1]);
        int acknowledged = -1;
        while (acknowledged < 100)
            ASSERT_EQ(::read(pipe[0], &acknowledged, sizeof acknowledged), ssize_t{sizeof(int)});
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        while (::read(pipe[0], &acknowledged, sizeof acknowledged) > 0) {
        }
        ::close(pipe[0]);
        auto list = open();
        EXPECT_FALSE(list->may_lack_entries());
        std::set<std::string> keys;
        for (const auto& entry : list.found()) keys.insert(entry.key);
        for (int n = 0; n <= acknowledged; ++n)
            ASSERT_TRUE(keys.contains(std::to_string(times) + " " + std::to_string(n))) << n;
    }
}

TEST_F(StateStoreTest, WhatTheNextStartWouldNotFindIsNotKept) {
    const auto away = elsewhere.path() / "away";
    auto list = open();
    ASSERT_FALSE(list.put("a"));
    const auto written = read_file(file());
    boost::filesystem::rename(folder, away);
    EXPECT_EQ(list.put("b"), std::errc::no_such_file_or_directory);
    boost::filesystem::create_directory(folder);
    EXPECT_EQ(list.put("c"), std::make_error_code(vfs::stale));
    EXPECT_EQ(list.put("a"), std::make_error_code(vfs::stale)) << "nor is what was written before";
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_EQ(read_file(away / "list"), written);
    boost::filesystem::remove(folder);
    boost::filesystem::rename(away, folder);
    EXPECT_FALSE(list.put("a"));
    EXPECT_FALSE(list.put("b"));
    EXPECT_THAT(list.told(), ElementsAre(What::fails, What::works));
    EXPECT_THAT(found(), SizeIs(3)) << "a later success stands for the others too";
}

TEST_F(StateStoreTest, AFileThatHasGoneIsMadeAnew) {
    auto list = open();
    ASSERT_FALSE(list.put("a"));
    boost::filesystem::remove(file());
    EXPECT_FALSE(list.put("a"));
    EXPECT_THAT(found(), SizeIs(1));
    write_file(file(), "of somebody else");
    EXPECT_FALSE(list.put("b"));
    EXPECT_THAT(found(), SizeIs(2));
    boost::filesystem::resize_file(file(), boost::filesystem::file_size(file()) - 1);
    EXPECT_FALSE(list.put("c"));
    EXPECT_THAT(found(), SizeIs(3));
}

TEST_F(StateStoreTest, AFailureIsToldAndItsEndToo) {
    auto list = open(counting());
    ASSERT_FALSE(list.put("a"));
    const auto written = read_file(file());
    const auto before = vfs::posix::local_status(file()).st_ino;
    is_failing = true;
    EXPECT_EQ(list.put("b"), std::errc::io_error);
    EXPECT_EQ(list.put("c"), std::errc::io_error);
    EXPECT_TRUE(list->is_in_file("a"));
    EXPECT_FALSE(list->is_in_file("b"));
    EXPECT_EQ(read_file(file()), written) << "cut back";
    is_failing = false;
    EXPECT_FALSE(list.put("c"));
    EXPECT_TRUE(list->is_in_file("b"));
    EXPECT_NE(vfs::posix::local_status(file()).st_ino, before)
        << "pages whose loss has been reported once count as written";
    EXPECT_THAT(list.told(), ElementsAre(What::fails, What::works));
    EXPECT_THAT(found(), SizeIs(3));
}

TEST_F(StateStoreTest, AFailureThatLastsIsToldAgain) {
    auto options = counting();
    options.between_news = std::chrono::milliseconds{0};
    auto list = open(std::move(options));
    is_failing = true;
    for (int n = 0; n < 3; ++n) EXPECT_TRUE(list.put("a"));
    EXPECT_THAT(list.told(), SizeIs(3));
    is_failing = false;
}

TEST_F(StateStoreTest, AWriteThatFailsHalfwayIsCutBack) {
    vfs::posix::in_child_process([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        auto list = open();
        ASSERT_FALSE(list.put("a"));
        const auto written = read_file(file());
        rlimit limit{};
        ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = written.size() + 10;
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        EXPECT_EQ(list.put("b"), std::errc::file_too_large);
        EXPECT_EQ(read_file(file()), written);
        limit.rlim_cur = limit.rlim_max;
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        EXPECT_FALSE(list.put("b"));
        EXPECT_THAT(open().news(), IsEmpty());
        EXPECT_THAT(found(), SizeIs(2));
    });
}

TEST_F(StateStoreTest, AFullDiskRefusesUntilThereIsRoom) {
    vfs::posix::in_child_process([&] {
        vfs::posix::have_own_mounts();
        vfs::posix::mount_memory(folder, "size=256k");
        auto list = open();
        int kept = 0;
        write_file(folder / "other", std::string(128 << 10, 'x'));
        while (!list.put(std::to_string(kept), std::string(5000, 'x'))) ++kept;
        EXPECT_GT(kept, 10);
        EXPECT_EQ(list.put("one more", std::string(5000, 'x')), std::errc::no_space_on_device);
        {
            const auto other = open();
            EXPECT_THAT(other.news(), IsEmpty()) << "nothing is torn";
            EXPECT_THAT(other.found(), SizeIs(kept));
        }
        boost::filesystem::remove(folder / "other");
        EXPECT_FALSE(list.put("one more", std::string(5000, 'x')));
        EXPECT_THAT(list.told(), ElementsAre(What::fails, What::works));
        EXPECT_THAT(found(), SizeIs(kept + 2));
    });
}

TEST_F(StateStoreTest, AFileSystemThatCanOnlyBeReadRefusesUntilItCanBeWritten) {
    vfs::posix::in_child_process([&] {
        vfs::posix::have_own_mounts();
        vfs::posix::mount_memory(folder, "size=256k");
        ASSERT_FALSE(open().put("a"));
        const auto remount = [&](unsigned long flags) {
            return ::mount("none", folder.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr);
        };
        ASSERT_EQ(remount(MS_RDONLY), 0) << errno;
        auto list = open();
        EXPECT_THAT(list.found(), SizeIs(1)) << "it can be read";
        EXPECT_EQ(list.put("b"), std::errc::read_only_file_system);
        EXPECT_FALSE(list.put("a", "value")) << "that is written";
        ASSERT_EQ(remount(0), 0);
        EXPECT_FALSE(list.put("b"));
        EXPECT_THAT(list.told(), ElementsAre(What::fails, What::works));
    });
}

TEST_F(StateStoreTest, FilesBelongToTheServerWhoeverAsks) {
    ASSERT_EQ(::geteuid(), 0U);
    ::chmod(folder.c_str(), 0700);
    auto list = open();
    {
        ::setfsgid(1000);
        ::setfsuid(1000);
        EXPECT_FALSE(vfs::is_server_acting());
        EXPECT_FALSE(list.put("a"));
        EXPECT_FALSE(list.put("b"));
        EXPECT_FALSE(list.put("b"));
        ::setfsuid(0);
        ::setfsgid(0);
    }
    EXPECT_TRUE(vfs::is_server_acting());
    EXPECT_EQ(vfs::posix::local_status(file()).st_uid, 0U);
    EXPECT_EQ(vfs::posix::local_status(file()).st_gid, 0U);
}

TEST_F(StateStoreTest, AnEntryThatIsTooLongIsRefused) {
    auto list = open();
    EXPECT_THROW(list->put("a", std::string(std::size_t{64} << 10, 'x')), std::length_error);
    EXPECT_FALSE(list.put("a"));
}

TEST_F(StateStoreTest, AFailureOfOneFileIsNoneOfAnother) {
    KeptState state{folder};
    const auto tell = [](const News&) {};
    Store::File one{state.store, {.name = "one", .tell = tell, .convert = {}}};
    Store::File other{state.store, {.name = "other", .tell = tell, .convert = {}}};
    ASSERT_FALSE(one.wait_for(one.put("a", "")));
    boost::filesystem::create_directory(folder / "other");
    EXPECT_TRUE(other.wait_for(other.put("a", "")));
    EXPECT_FALSE(one.wait_for(one.put("b", "")));
    boost::filesystem::remove(folder / "other");
    EXPECT_FALSE(other.wait_for(other.put("a", "")));
}

}  // namespace
}  // namespace berth::state
