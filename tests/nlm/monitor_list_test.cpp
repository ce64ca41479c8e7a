// The state number and the clients that hold locks, kept across restarts.
#include "nlm/monitor_list.hpp"

#include <cstdlib>
#include <fstream>
#include <future>
#include <iomanip>
#include <sstream>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/nlm/table_fixture.hpp"
#include "tests/support/gate.hpp"
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

class MonitorListTest : public ::testing::Test {
protected:
    [[nodiscard]] std::filesystem::path file() const { return directory.path() / "locks"; }
    [[nodiscard]] std::string text() const {
        std::ostringstream text;
        text << std::ifstream{file()}.rdbuf();
        return text.str();
    }
    void write(const std::string& lines) const { std::ofstream{file()} << lines; }

    berth::test::TemporaryDirectory directory;
};

TEST_F(MonitorListTest, TheStateNumberIsOddAndGrowsWithEachStart) {
    EXPECT_EQ(MonitorList{file()}.state(), 1);
    EXPECT_EQ(MonitorList{file()}.state(), 3);
    EXPECT_EQ(MonitorList{file()}.state(), 5);
    write("state 2147483647\n");
    EXPECT_EQ(MonitorList{file()}.state(), 1);
    EXPECT_EQ(MonitorList{std::nullopt}.state(), 1);
}

TEST_F(MonitorListTest, WhoHeldLocksIsToBeNotifiedUntilThatIsDone) {
    const Host odd{.address = *rpc::Address::parse("2001:db8::7"),
                   .name = std::string("a b\n\0\xff", 6)};
    {
        MonitorList list{file()};
        EXPECT_TRUE(list.add(monitored(host(1))));
        EXPECT_TRUE(list.add(monitored(odd)));
        EXPECT_TRUE(list.add(monitored(host(1))));
        EXPECT_THAT(list.to_notify(), IsEmpty());
    }
    {
        MonitorList list{file()};
        EXPECT_THAT(hosts(list.to_notify()), UnorderedElementsAre(host(1), odd));
        EXPECT_EQ(list.to_notify()[0].local, server_address);
        list.forget(host(1));
        EXPECT_TRUE(list.add(monitored(host(2))));
    }
    MonitorList list{file()};
    EXPECT_THAT(hosts(list.to_notify()), UnorderedElementsAre(host(2), odd));
}

TEST_F(MonitorListTest, WithoutTheFileThatThereShouldBeEverybodyIsRefused) {
    MonitorList list{std::nullopt, true};
    const auto added = list.add(monitored(host(1)));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), MonitorList::Refusal::not_kept);
}

TEST_F(MonitorListTest, IsOnDiskWhenAddReturns) {
    MonitorList list{file()};
    list.add(monitored(host(1)));
    EXPECT_EQ(text(), "state 1\nhost 192.0.2.1 192.0.2.1 x636c69656e7431\n");
    struct stat status {};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(MonitorListTest, WhoHoldsNothingIsDroppedWhenIdle) {
    MonitorList list{file()};
    list.add(monitored(host(1), 7));
    list.add(monitored(host(2)));
    const auto before = std::chrono::steady_clock::now() - std::chrono::hours{1};
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto only_second = [](const Host& which) { return which == host(2); };
    list.keep(only_second, before, before);
    EXPECT_EQ(list.state_of(host(1)), 7) << "used lately";
    list.keep(only_second, after, before);
    EXPECT_EQ(list.state_of(host(1)), 0);
    MonitorList next{file()};
    EXPECT_THAT(hosts(next.to_notify()), ElementsAre(host(2)));
}

TEST_F(MonitorListTest, WhoHasBeenToldIsToBeToldAgainUntilItHasHadTimeToReclaim) {
    const auto before = std::chrono::steady_clock::now() - std::chrono::hours{1};
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto nobody = [](const Host&) { return false; };
    write("host 192.0.2.1 192.0.2.9 x636c69656e7431\n");
    {
        MonitorList list{file()};
        list.told(host(1));
        EXPECT_THAT(list.to_notify(), IsEmpty());
        list.keep(nobody, after, before);
    }
    {
        MonitorList list{file()};
        EXPECT_THAT(hosts(list.to_notify()), ElementsAre(host(1))) << "a crash meanwhile";
        list.told(host(1));
        list.restart();
        EXPECT_THAT(hosts(list.to_notify()), ElementsAre(host(1)));
        list.told(host(1));
        list.keep(nobody, after, after);
    }
    EXPECT_THAT(MonitorList{file()}.to_notify(), IsEmpty());
}

TEST_F(MonitorListTest, TheStateNumberCanBeReadWhileTheListIsBusy) {
    MonitorList list{file()};
    list.add(monitored(host(1)));
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    std::int32_t seen = 0;
    const auto read = [&](const Host&) {
        auto other = std::async(std::launch::async, [&] { return list.state(); });
        if (other.wait_for(berth::test::patience) != std::future_status::ready) std::abort();
        seen = other.get();
        return true;
    };
    list.keep(read, after, after);
    EXPECT_EQ(seen, 1);
}

TEST_F(MonitorListTest, AFileOfTooManyIsNotTakenWhole) {
    std::ostringstream lines;
    for (std::size_t n = 0; n < MonitorList::to_notify_max + 5; ++n)
        lines << "host 192.0.2.1 192.0.2.9 x" << std::hex << std::setw(4) << std::setfill('0') << n
              << '\n';
    write(lines.str());
    EXPECT_EQ(MonitorList{file()}.to_notify().size(), MonitorList::to_notify_max);
}

TEST_F(MonitorListTest, OneAddressHasACeilingOfItsOwn) {
    MonitorList list{std::nullopt};
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
    const MonitorList list{file()};
    EXPECT_EQ(list.state(), 9);
    EXPECT_THAT(hosts(list.to_notify()), ElementsAre(host(1)));
}

TEST_F(MonitorListTest, RefusesWhomItCannotWrite) {
    const auto folder = directory.path() / "gone";
    std::filesystem::create_directory(folder);
    MonitorList list{folder / "locks"};
    ASSERT_TRUE(list.add(monitored(host(1))));
    std::filesystem::rename(folder, directory.path() / "away");
    EXPECT_EQ(list.add(monitored(host(2))).error(), MonitorList::Refusal::not_kept);
    EXPECT_EQ(list.add(monitored(host(2))).error(), MonitorList::Refusal::not_kept) << "nor later";
    EXPECT_TRUE(list.add(monitored(host(1)))) << "it is in the file";
    std::filesystem::rename(directory.path() / "away", folder);
    EXPECT_TRUE(list.add(monitored(host(2)))) << "as soon as that can be written";
    EXPECT_THAT(hosts(MonitorList{folder / "locks"}.to_notify()),
                UnorderedElementsAre(host(1), host(2)));
}

TEST_F(MonitorListTest, RefusesEverybodyWhereItNeverCouldBeWritten) {
    MonitorList list{directory.path() / "no such directory" / "locks"};
    EXPECT_EQ(list.add(monitored(host(1))).error(), MonitorList::Refusal::not_kept);
}

TEST_F(MonitorListTest, WhoReclaimsIsInTheFileAlready) {
    const auto folder = directory.path() / "state";
    const auto away = directory.path() / "away";
    std::filesystem::create_directory(folder);
    ASSERT_TRUE(MonitorList{folder / "locks"}.add(monitored(host(1))));
    MonitorList list{folder / "locks"};
    std::filesystem::rename(folder, away);
    EXPECT_TRUE(list.add(monitored(host(1))));
    EXPECT_FALSE(list.add(monitored(host(2))));
    list.forget(host(1));
    EXPECT_THAT(hosts(MonitorList{away / "locks"}.to_notify()), ElementsAre(host(1)));
}

TEST_F(MonitorListTest, WhoIsAboutToLockStays) {
    MonitorList list{file()};
    const auto after = std::chrono::steady_clock::now() + std::chrono::hours{1};
    const auto nobody = [](const Host&) { return false; };
    {
        const auto stay = list.add(monitored(host(1), 7));
        ASSERT_TRUE(stay);
        list.keep(nobody, after, after);
        EXPECT_EQ(list.state_of(host(1)), 7);
        list.restart();
        EXPECT_EQ(list.state_of(host(1)), 7);
    }
    list.keep(nobody, after, after);
    EXPECT_EQ(list.state_of(host(1)), 0);
}

TEST_F(MonitorListTest, HasACeiling) {
    MonitorList list{std::nullopt};
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
