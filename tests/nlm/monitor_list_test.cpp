// The state number and the clients that hold locks, kept across restarts.
#include "nlm/monitor_list.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iomanip>
#include <sstream>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/nlm/table_fixture.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/kept_state.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nlm::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const auto server_address = *rpc::Address::parse("192.0.2.1");

Monitored monitored(const Host& host, std::int32_t state = 0) {
    return {.host = host, .local = server_address, .state = state, .used = {}};
}

std::vector<Host> hosts(const std::vector<Monitored>& list) {
    std::vector<Host> all;
    for (const auto& one : list) all.push_back(one.host);
    return all;
}

/// A list that lives until the test "restarts" the server.
class Kept {
public:
    explicit Kept(const boost::filesystem::path& folder, state::Store::Options options = {})
        : state_(folder, std::move(options)),
          list_(&state_.store) {}
    MonitorList* operator->() { return &list_; }

private:
    berth::test::KeptState state_;
    MonitorList list_;
};

class MonitorListTest : public ::testing::Test {
protected:
    Kept open() { return Kept{folder}; }
    /// As a server finds it that starts while another one writes.
    [[nodiscard]] std::vector<Host> on_disk() const { return on_disk(folder); }
    [[nodiscard]] std::vector<Host> on_disk(const boost::filesystem::path& from) const {
        berth::test::TemporaryDirectory copy;
        boost::filesystem::copy(from / "locks", copy.path() / "locks");
        return hosts(Kept { copy.path() } -> to_notify());
    }
    [[nodiscard]] boost::filesystem::path file() const { return folder / "locks"; }
    void write(const std::string& lines) const { std::ofstream{file()} << lines; }
    /// One bit of the last record.
    void damage() const {
        std::fstream bytes{file()};
        bytes.seekg(-1, std::ios::end);
        const auto last = static_cast<char>(bytes.peek() ^ 1);
        bytes.seekp(-1, std::ios::end);
        bytes.put(last);
    }

    berth::test::TemporaryDirectory directory;
    boost::filesystem::path folder = directory.path() / "state";
    boost::filesystem::path away = directory.path() / "away";

    MonitorListTest() { boost::filesystem::create_directory(folder); }
};

TEST_F(MonitorListTest, TheStateNumberIsOddAndGrowsWithEachStart) {
    EXPECT_EQ(open()->state(), 1);
    EXPECT_EQ(open()->state(), 3);
    EXPECT_EQ(open()->state(), 5);
    write("state 2147483647\n");
    EXPECT_EQ(open()->state(), 1);
    EXPECT_EQ(MonitorList{nullptr}.state(), 1);
}

TEST_F(MonitorListTest, WhoHeldLocksIsToBeNotifiedUntilThatIsDone) {
    const Host odd{.address = *rpc::Address::parse("2001:db8::7"),
                   .name = std::string("a b\n\0\xff", 6)};
    {
        auto list = open();
        EXPECT_TRUE(list->add(monitored(host(1))));
        EXPECT_TRUE(list->add(monitored(odd)));
        EXPECT_TRUE(list->add(monitored(host(1))));
        EXPECT_THAT(list->to_notify(), IsEmpty());
    }
    {
        auto list = open();
        EXPECT_THAT(hosts(list->to_notify()), UnorderedElementsAre(host(1), odd));
        EXPECT_EQ(list->to_notify()[0].local, server_address);
        list->forget(host(1));
        EXPECT_TRUE(list->add(monitored(host(2))));
    }
    EXPECT_THAT(hosts(open()->to_notify()), UnorderedElementsAre(host(2), odd));
}

TEST_F(MonitorListTest, WithoutTheFileThatThereShouldBeEverybodyIsRefused) {
    MonitorList list{nullptr, true};
    const auto added = list.add(monitored(host(1)));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), MonitorList::Refusal::not_kept);
}

TEST_F(MonitorListTest, IsOnDiskWhenAddReturns) {
    auto list = open();
    list->add(monitored(host(1)));
    EXPECT_THAT(on_disk(), ElementsAre(host(1)));
    struct stat status {};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(MonitorListTest, ManyThatLockWriteTheirChangesAndNoMore) {
    std::atomic<int> writes{0};
    Kept list{folder, {.synchronize = [&](int) {
                  ++writes;
                  return 0;
              }}};
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(list->add(monitored(host(n))));
    const auto before = writes.load();
    std::vector<std::thread> clients;
    for (int n = 0; n < 20; ++n)
        clients.emplace_back([&, n] {
            for (int times = 0; times < 100; ++times)
                EXPECT_TRUE(list->add(monitored(host(n), times)));
        });
    for (auto& client : clients) client.join();
    EXPECT_EQ(writes, before);
}

TEST_F(MonitorListTest, WhoHoldsNothingIsDroppedWhenIdle) {
    auto list = open();
    list->add(monitored(host(1), 7));
    list->add(monitored(host(2)));
    const auto before = std::chrono::steady_clock::now() - std::chrono::hours{1};
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto only_second = [](const Host& which) { return which == host(2); };
    list->keep(only_second, before, before);
    EXPECT_EQ(list->state_of(host(1)), 7) << "used lately";
    list->keep(only_second, after, before);
    EXPECT_EQ(list->state_of(host(1)), 0);
    EXPECT_THAT(on_disk(), ElementsAre(host(2)));
}

TEST_F(MonitorListTest, WhoHasBeenToldIsToBeToldAgainUntilItHasHadTimeToReclaim) {
    const auto before = std::chrono::steady_clock::now() - std::chrono::hours{1};
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto nobody = [](const Host&) { return false; };
    write("host 192.0.2.1 192.0.2.9 x636c69656e7431\n");
    {
        auto list = open();
        list->told(host(1));
        EXPECT_THAT(list->to_notify(), IsEmpty());
        list->keep(nobody, after, before);
    }
    {
        auto list = open();
        EXPECT_THAT(hosts(list->to_notify()), ElementsAre(host(1))) << "a crash meanwhile";
        list->told(host(1));
        list->restart();
        EXPECT_THAT(hosts(list->to_notify()), ElementsAre(host(1)));
        list->told(host(1));
        list->keep(nobody, after, after);
    }
    EXPECT_THAT(open()->to_notify(), IsEmpty());
}

TEST_F(MonitorListTest, TheStateNumberCanBeReadWhileTheListIsBusy) {
    auto list = open();
    list->add(monitored(host(1)));
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    std::int32_t seen = 0;
    const auto read = [&](const Host&) {
        auto other = std::async(std::launch::async, [&] { return list->state(); });
        if (other.wait_for(berth::test::patience) != std::future_status::ready) std::abort();
        seen = other.get();
        return true;
    };
    list->keep(read, after, after);
    EXPECT_EQ(seen, 1);
}

TEST_F(MonitorListTest, AFileOfTooManyIsNotTakenWhole) {
    std::ostringstream lines;
    for (std::size_t n = 0; n < MonitorList::to_notify_max + 5; ++n)
        lines << "host 192.0.2.1 192.0.2.9 x" << std::hex << std::setw(4) << std::setfill('0') << n
              << '\n';
    write(lines.str());
    EXPECT_EQ(open()->to_notify().size(), MonitorList::to_notify_max);
}

TEST_F(MonitorListTest, OneAddressHasACeilingOfItsOwn) {
    MonitorList list{nullptr};
    Host many = host(2);
    for (std::size_t n = 0; n < MonitorList::address_hosts_max; ++n) {
        many.name = std::to_string(n);
        ASSERT_TRUE(list.add(monitored(many)));
    }
    EXPECT_TRUE(list.add(monitored(many))) << "it is there already";
    many.name = "one more";
    EXPECT_FALSE(list.add(monitored(many)));
    EXPECT_TRUE(list.add(monitored(host(1))));
    EXPECT_TRUE(list.add(monitored(host(3))));
}

TEST_F(MonitorListTest, LinesThatAreNoneAreLeftOut) {
    write("state 7\nhost here there x00\nhost 192.0.2.1 192.0.2.1 x6\nhost 192.0.2.1\n"
          "host 192.0.2.1 192.0.2.1 zz\n\nhost 192.0.2.1 192.0.2.1 x636c69656e7431\n");
    auto list = open();
    EXPECT_EQ(list->state(), 9);
    EXPECT_THAT(hosts(list->to_notify()), ElementsAre(host(1)));
}

TEST_F(MonitorListTest, RefusesWhomItCannotWrite) {
    std::atomic<bool> is_failing{false};
    Kept list{folder, {.synchronize = [&](int number) {
                  errno = EIO;
                  return is_failing ? -1 : ::fdatasync(number);
              }}};
    ASSERT_TRUE(list->add(monitored(host(1))));
    is_failing = true;
    EXPECT_EQ(list->add(monitored(host(2))).error(), MonitorList::Refusal::not_kept);
    EXPECT_EQ(list->add(monitored(host(2))).error(), MonitorList::Refusal::not_kept) << "nor later";
    EXPECT_TRUE(list->add(monitored(host(1)))) << "it is in the file";
    is_failing = false;
    EXPECT_TRUE(list->add(monitored(host(2)))) << "as soon as that can be written";
    EXPECT_THAT(on_disk(), UnorderedElementsAre(host(1), host(2)));
}

TEST_F(MonitorListTest, RefusesEverybodyWhereTheNextStartWouldNotLook) {
    auto list = open();
    ASSERT_TRUE(list->add(monitored(host(1))));
    boost::filesystem::rename(folder, away);
    boost::filesystem::create_directory(folder);
    for (int number : {1, 2})
        EXPECT_EQ(list->add(monitored(host(number))).error(), MonitorList::Refusal::not_kept);
    boost::filesystem::remove(folder);
    for (int number : {1, 2})
        EXPECT_EQ(list->add(monitored(host(number))).error(), MonitorList::Refusal::not_kept);
    boost::filesystem::rename(away, folder);
    EXPECT_TRUE(list->add(monitored(host(1))));
    EXPECT_TRUE(list->add(monitored(host(2))));
}

TEST_F(MonitorListTest, WhoReclaimsIsInTheFileAlready) {
    ASSERT_TRUE(open()->add(monitored(host(1))));
    std::atomic<bool> is_failing{false};
    Kept list{folder, {.synchronize = [&](int number) {
                  errno = EIO;
                  return is_failing ? -1 : ::fdatasync(number);
              }}};
    is_failing = true;
    EXPECT_TRUE(list->add(monitored(host(1))));
    EXPECT_FALSE(list->add(monitored(host(2))));
    list->forget(host(1));
    EXPECT_THAT(on_disk(), ElementsAre(host(1)));
}

TEST_F(MonitorListTest, KnowsAfterARestartWhoAskedFromAReservedPort) {
    auto root = monitored(host(1));
    root.from_reserved_port = true;
    {
        auto list = open();
        EXPECT_TRUE(list->add(root));
        EXPECT_TRUE(list->add(monitored(host(1)))) << "its users lock, too";
        EXPECT_TRUE(list->add(monitored(host(2))));
        EXPECT_TRUE(list->may_reclaim(host(1), false)) << "nothing is to be reclaimed";
    }
    for (int times = 0; times < 2; ++times) {
        auto list = open();
        EXPECT_FALSE(list->may_reclaim(host(1), false));
        EXPECT_TRUE(list->may_reclaim(host(1), true));
        EXPECT_TRUE(list->may_reclaim(host(2), false));
        EXPECT_TRUE(list->add(monitored(host(1)))) << "which does not make it a user's";
        list->forget(host(1));
        EXPECT_FALSE(list->may_reclaim(host(1), false)) << "in this time to reclaim";
    }
}

TEST_F(MonitorListTest, OnlyThoseThatHadSomethingReclaim) {
    {
        auto list = open();
        EXPECT_TRUE(list->add(monitored(host(1))));
    }
    auto list = open();
    auto elsewhere = host(1);
    elsewhere.address = host(3).address;
    auto renamed = host(3);
    renamed.address = host(1).address;
    EXPECT_TRUE(list->may_reclaim(host(1), false));
    EXPECT_TRUE(list->may_reclaim(renamed, false)) << "by its address";
    EXPECT_TRUE(list->may_reclaim(elsewhere, true)) << "by its name, which root of a host gives";
    EXPECT_FALSE(list->may_reclaim(elsewhere, false)) << "which anybody gives";
    EXPECT_FALSE(list->may_reclaim(host(3), true)) << "a stranger";
    list->told(host(1));
    list->forget(host(1));
    EXPECT_TRUE(list->may_reclaim(host(1), false)) << "in this time to reclaim";
}

TEST_F(MonitorListTest, ADamagedFileLacksHostsUntilTheTimeToReclaimIsOver) {
    {
        auto list = open();
        list->add(monitored(host(1)));
        list->add(monitored(host(2)));
        EXPECT_FALSE(list->may_lack_hosts());
    }
    damage();
    std::int32_t state = 0;
    {
        auto list = open();
        EXPECT_TRUE(list->may_lack_hosts());
        EXPECT_THAT(hosts(list->to_notify()), ElementsAre(host(1))) << "the other is unknown";
        state = list->state();
        EXPECT_EQ(state % 2, 1);
        EXPECT_GT(state, 1'000'000'000) << "like none before";
    }
    EXPECT_TRUE(boost::filesystem::exists(folder / "locks.damaged-1"));
    {
        auto list = open();
        EXPECT_TRUE(list->may_lack_hosts()) << "a crash within that time";
        EXPECT_EQ(list->state(), state + 2);
        list->all_have_reclaimed();
        EXPECT_FALSE(list->may_lack_hosts());
    }
    auto list = open();
    EXPECT_FALSE(list->may_lack_hosts());
    EXPECT_THAT(hosts(list->to_notify()), ElementsAre(host(1)));
}

TEST_F(MonitorListTest, WhatIsNoTextOfEarlierVersionsIsDamage) {
    write("something else\n");
    EXPECT_TRUE(open()->may_lack_hosts());
}

TEST_F(MonitorListTest, WhoIsAboutToLockStays) {
    auto list = open();
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto nobody = [](const Host&) { return false; };
    {
        const auto stay = list->add(monitored(host(1), 7));
        ASSERT_TRUE(stay);
        list->keep(nobody, after, after);
        EXPECT_EQ(list->state_of(host(1)), 7);
        list->restart();
        EXPECT_EQ(list->state_of(host(1)), 7);
    }
    list->keep(nobody, after, after);
    EXPECT_EQ(list->state_of(host(1)), 0);
}

TEST_F(MonitorListTest, HasACeiling) {
    MonitorList list{nullptr};
    const auto numbered = [](std::size_t n) {
        Host made = host(1);
        made.address.bytes[2] = static_cast<std::byte>(n >> 8U);
        made.address.bytes[3] = static_cast<std::byte>(n);
        return monitored(made);
    };
    for (std::size_t n = 0; n < MonitorList::hosts_max; ++n) ASSERT_TRUE(list.add(numbered(n)));
    EXPECT_FALSE(list.add(numbered(MonitorList::hosts_max)));
    EXPECT_TRUE(list.add(numbered(7))) << "it is there already";
}

}  // namespace
}  // namespace berth::nlm::test
