// What other programs of the machine have the NSM watch for them, over the wire, and how it is
// kept.
#include "nlm/watches.hpp"

#include <fstream>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>

#include "tests/nlm/fixture.hpp"
#include "tests/support/kept_state.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nlm::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto cookie = [] {
    std::array<std::byte, 16> bytes{};
    for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(at);
    return bytes;
}();

nsm::Watcher watcher(std::int32_t procedure = 16, std::string_view name = "localhost") {
    return {.name = name, .program = 200048, .version = 1, .procedure = procedure};
}

class WatchingTest : public ::testing::Test {
protected:
    nsm::StatusResult monitor(std::string_view host, const char* from = "127.0.0.1",
                              const nsm::Watcher& who = watcher(), std::uint16_t port = 40000) {
        return server.client(nsm::id1, from, port)
            ->call<nsm::Monitor>({.watched = {.host = host, .watcher = who}, .cookie = cookie})
            .value();
    }
    void notify(const char* from, std::int32_t state, std::string_view name = "any name") {
        EXPECT_TRUE(server.client(nsm::id1, from)->call<nsm::Notify>({name, state}));
        server.run_callbacks();
    }

    LockServer<Wide> server;
    const std::vector<WatcherSide::Heard>& heard = server.watcher.heard;
};

TEST_F(WatchingTest, TheWatcherIsToldOfARestart) {
    const auto answer = monitor("192.0.2.30");
    EXPECT_EQ(answer.outcome, nsm::Outcome::success);
    EXPECT_EQ(answer.state, server.monitored.state());
    notify("192.0.2.30", 5);
    EXPECT_THAT(heard, ElementsAre(WatcherSide::Heard{"192.0.2.30", 5, cookie}));
    const auto& [path, program] = server.connections.back();
    EXPECT_EQ(path.client, *rpc::Address::parse("127.0.0.1")) << "whatever name it gives itself";
    EXPECT_EQ(path.local, path.client);
    EXPECT_FALSE(path.from_reserved_port) << "it did not call from one either";
    EXPECT_EQ(program.version, 1U);
    notify("192.0.2.30", 5);
    EXPECT_THAT(heard, SizeIs(1)) << "of the same restart it knows";
    notify("192.0.2.30", 7);
    EXPECT_THAT(heard, SizeIs(2));
}

TEST_F(WatchingTest, OnlyTheHostItselfSaysThatItHasRestarted) {
    ASSERT_EQ(monitor("peer.example").outcome, nsm::Outcome::success);
    notify("192.0.2.31", 5, "peer.example");
    EXPECT_THAT(heard, IsEmpty());
    notify("192.0.2.30", 5, "another name");
    EXPECT_THAT(heard, ElementsAre(WatcherSide::Heard{"peer.example", 5, cookie}));
}

TEST_F(WatchingTest, WhatRootAsksForComesFromAReservedPort) {
    ASSERT_EQ(monitor("192.0.2.30", "::1", watcher(), 1023).outcome, nsm::Outcome::success);
    notify("192.0.2.30", 5);
    EXPECT_THAT(heard, SizeIs(1));
    EXPECT_TRUE(server.connections.back().first.from_reserved_port);
    EXPECT_EQ(server.connections.back().first.client, *rpc::Address::parse("::1"));
}

TEST_F(WatchingTest, AWatcherThatDoesNotAnswerIsToldAgain) {
    ASSERT_EQ(monitor("192.0.2.30").outcome, nsm::Outcome::success);
    server.is_client_reachable = false;
    notify("192.0.2.30", 5);
    EXPECT_THAT(heard, IsEmpty());
    server.is_client_reachable = true;
    server.later += std::chrono::minutes{1};
    server.run_callbacks();
    EXPECT_THAT(heard, SizeIs(1));
}

TEST_F(WatchingTest, OthersThanThisMachineAreRefused) {
    EXPECT_EQ(monitor("192.0.2.30", "192.0.2.7").outcome, nsm::Outcome::failure);
    EXPECT_EQ(monitor("nobody.example").outcome, nsm::Outcome::failure) << "an unknown host";
    ASSERT_EQ(monitor("192.0.2.30").outcome, nsm::Outcome::success);
    auto stranger = server.client(nsm::id1, "192.0.2.7");
    EXPECT_TRUE(stranger->call<nsm::Unmonitor>({std::string_view{"192.0.2.30"}, watcher()}));
    EXPECT_TRUE(stranger->call<nsm::UnmonitorAll>(watcher()));
    EXPECT_EQ(server.watches.size(), 1U);
}

TEST_F(WatchingTest, UnmonitorEndsOneAndUnmonitorAllThoseOfAWatcher) {
    for (const auto* host : {"192.0.2.30", "192.0.2.31", "192.0.2.32"})
        ASSERT_EQ(monitor(host).outcome, nsm::Outcome::success);
    ASSERT_EQ(monitor("192.0.2.30", "127.0.0.1", watcher(24)).outcome, nsm::Outcome::success);
    ASSERT_EQ(monitor("192.0.2.30").outcome, nsm::Outcome::success) << "again is the same";
    EXPECT_EQ(server.watches.size(), 4U);
    auto local = server.client(nsm::id1, "127.0.0.1");
    const auto state = server.monitored.state();
    const auto one = local->call<nsm::Unmonitor>({std::string_view{"192.0.2.30"}, watcher()});
    EXPECT_EQ(one.value().state, state);
    EXPECT_EQ(server.watches.size(), 3U);
    EXPECT_EQ(local->call<nsm::UnmonitorAll>(watcher()).value().state, state);
    EXPECT_EQ(server.watches.size(), 1U);
    notify("192.0.2.31", 5);
    EXPECT_THAT(heard, IsEmpty());
}

TEST_F(WatchingTest, WhoIsNotWatchedAnyMoreIsNotToldOf) {
    ASSERT_EQ(monitor("192.0.2.30").outcome, nsm::Outcome::success);
    server.is_client_reachable = false;
    notify("192.0.2.30", 5);
    server.is_client_reachable = true;
    EXPECT_TRUE(server.client(nsm::id1, "127.0.0.1")->call<nsm::UnmonitorAll>(watcher()));
    server.later += std::chrono::minutes{1};
    server.run_callbacks();
    EXPECT_THAT(heard, IsEmpty());
}

TEST_F(WatchingTest, ASimulatedCrashTellsTheHostsAndForgetsThem) {
    ASSERT_EQ(monitor("192.0.2.30").outcome, nsm::Outcome::success);
    EXPECT_TRUE(server.client(nsm::id1, "127.0.0.1", 1023)->call<nsm::SimulateCrash>({}));
    EXPECT_EQ(server.watches.size(), 0U);
    EXPECT_FALSE(server.grace.is_on()) << "none of them had locks here";
    server.run_callbacks();
    EXPECT_THAT(server.client_nsm.notices,
                ElementsAre(testing::Pair("server.example", server.monitored.state())));
    EXPECT_EQ(server.connections.front().first.client, *rpc::Address::parse("192.0.2.30"));
    EXPECT_THAT(server.monitored.to_notify(), IsEmpty());
}

class WatchesTest : public ::testing::Test {
protected:
    /// Those that live until the test "restarts" the server.
    struct Kept {
        Kept(const boost::filesystem::path& folder, const std::string& boot, Callbacks& callbacks)
            : state(folder),
              watches(&state.store, {.boot = boot, .resolve = {}}, callbacks) {}
        Watches* operator->() { return &watches; }
        berth::test::KeptState state;
        Watches watches;
    };
    Kept open(const std::string& boot = "first") { return Kept{folder, boot, callbacks}; }
    [[nodiscard]] boost::filesystem::path file() const { return folder / "watches"; }
    static Watch watch(const std::string& host) {
        return {.host = host,
                .watcher = {.name = std::string("a b\n\0", 5), .program = 1, .version = 2},
                .cookie = cookie,
                .from = *rpc::Address::parse("127.0.0.1"),
                .from_reserved_port = true};
    }
    static std::vector<std::string> lost(Kept& watches) {
        std::vector<std::string> hosts;
        watches->end_lost([&](const Watch& watch) { hosts.push_back(watch.host); });
        return hosts;
    }

    WatchesTest() { boost::filesystem::create_directory(folder); }

    berth::test::TemporaryDirectory directory;
    boost::filesystem::path folder = directory.path() / "state";
    Callbacks callbacks{
        [](const ReturnPath&, const rpc::ProgramId&) { return std::unique_ptr<rpc::Client>{}; }};
};

TEST_F(WatchesTest, AreKeptAcrossARestartOfTheServer) {
    {
        auto watches = open();
        ASSERT_TRUE(watches->add(watch("192.0.2.30")));
        ASSERT_TRUE(watches->add(watch("2001:db8::7")));
        watches->remove("192.0.2.30", watch("").watcher, true);
    }
    auto watches = open();
    EXPECT_EQ(watches->size(), 1U);
    EXPECT_THAT(lost(watches), IsEmpty());
    watches->remove("2001:db8::7", watch("").watcher, false);
    EXPECT_EQ(watches->size(), 1U) << "root asked for it";
    watches->remove("2001:db8::7", watch("").watcher, true);
    EXPECT_EQ(watches->size(), 0U);
}

TEST_F(WatchesTest, EndWithTheBootAndTheirHostsAreToldOnce) {
    {
        auto watches = open();
        ASSERT_TRUE(watches->add(watch("192.0.2.30")));
        ASSERT_TRUE(watches->add(watch("192.0.2.31")));
    }
    {
        auto watches = open("second");
        EXPECT_EQ(watches->size(), 0U);
        ASSERT_TRUE(watches->add(watch("192.0.2.31"))) << "it asks again";
    }
    {
        auto watches = open("second");
        EXPECT_EQ(watches->size(), 1U);
        EXPECT_THAT(lost(watches), ElementsAre("192.0.2.30")) << "nobody had been told";
    }
    auto watches = open("second");
    EXPECT_THAT(lost(watches), IsEmpty());
    EXPECT_EQ(watches->size(), 1U);
}

TEST_F(WatchesTest, AreTakenFromTheTextOfEarlierVersions) {
    const std::string line = "watch x3139322e302e322e3330 x61 1 2 3 x" + std::string(32, '0') +
                             " 127.0.0.1 udp reserved 192.0.2.30\n";
    std::ofstream{file()} << "boot first\n" << line << "watch\nsomething\n";
    EXPECT_EQ(open()->size(), 1U);
    EXPECT_EQ(open()->size(), 1U) << "it is no text any more";
    auto watches = open("second");
    EXPECT_THAT(lost(watches), ElementsAre("192.0.2.30"));
}

TEST_F(WatchesTest, LinesThatAreNoneAreLeftOut) {
    std::ofstream{file()} << "boot first\nwatch\nwatch x00 x 1 1 1 x 127.0.0.1 udp any\nsomething\n"
                          << "watch x61 x 1 1 1 x" << std::string(32, '0')
                          << " 192.0.2.7 udp any 192.0.2.7\n";
    EXPECT_EQ(open()->size(), 0U) << "the last one would be called elsewhere";
}

TEST_F(WatchesTest, WhatCanNotBeWrittenIsRefused) {
    const auto away = directory.path() / "away";
    auto watches = open();
    ASSERT_TRUE(watches->add(watch("192.0.2.30")));
    boost::filesystem::rename(folder, away);
    EXPECT_FALSE(watches->add(watch("192.0.2.31")));
    EXPECT_FALSE(watches->add(watch("192.0.2.30")));
    EXPECT_EQ(watches->size(), 1U) << "the one that is in the file";
    boost::filesystem::rename(away, folder);
    EXPECT_TRUE(watches->add(watch("192.0.2.31")));
    EXPECT_EQ(watches->size(), 2U);
}

TEST_F(WatchesTest, HaveACeiling) {
    Watches watches{nullptr, {.boot = {}, .resolve = {}}, callbacks};
    auto one = watch("192.0.2.30");
    for (std::size_t n = 0; n < Watches::watches_max; ++n) {
        one.watcher.program = static_cast<std::uint32_t>(n);
        ASSERT_TRUE(watches.add(one));
    }
    one.watcher.program = Watches::watches_max;
    EXPECT_FALSE(watches.add(one));
    one.watcher.program = 7;
    EXPECT_TRUE(watches.add(one)) << "it is there already";
}

}  // namespace
}  // namespace berth::nlm::test
