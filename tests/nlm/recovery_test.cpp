// Restarts of the server and of clients, and the NSM by which they tell each other.
#include "nlm/recovery.hpp"

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "nlm/programs.hpp"
#include "tests/nlm/fixture.hpp"
#include "tests/support/caller.hpp"
#include "tests/support/faulty/file_system.hpp"
#include "tests/support/kept_state.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nlm::test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const Host lock_holder{.address = *rpc::Address::parse("192.0.2.7"), .name = "client"};

class RecoveryTest : public ::testing::Test {
protected:
    void serve(std::vector<Host> before_restart = {}) {
        server = std::make_unique<LockServer<Wide>>(before_restart);
        for (const auto& host : before_restart)
            server->monitored.add(
                {.host = host, .local = *rpc::Address::parse("192.0.2.1"), .used = {}});
        if (!before_restart.empty()) server->monitored.restart();
        file = server->handle("f");
    }
    Status lock(rpc::Client& who, bool reclaim = false, std::string_view name = "client",
                std::int32_t state = 0) {
        return who
            .call<Lock<Wide>>({.exclusive = true,
                               .lock = {.caller_name = name, .file = bytes(file), .svid = 1},
                               .reclaim = reclaim,
                               .state = state})
            .value()
            .status;
    }
    Status test(rpc::Client& who) {
        return who
            .call<nlm::Test<Wide>>(
                {.lock = {.caller_name = std::string_view{"client"}, .file = bytes(file)}})
            .value()
            .reply.discriminant();
    }
    void notify(const char* address, std::string_view name, std::int32_t state) {
        EXPECT_TRUE(server->client(nsm::id1, address)->call<nsm::Notify>({name, state}));
    }

    std::unique_ptr<LockServer<Wide>> server;
    std::string file;
};

TEST_F(RecoveryTest, DuringGraceOnlyReclaimsAreTaken) {
    serve({lock_holder});
    auto one = server->client(id4);
    auto other = server->client(id4, "192.0.2.8");
    EXPECT_EQ(lock(*other), Status::denied_grace_period);
    EXPECT_EQ(test(*other), Status::denied_grace_period);
    EXPECT_EQ(lock(*one, true), Status::granted);
    EXPECT_EQ(lock(*other, true), Status::denied) << "not what somebody has";
    const auto shared = other->call<TakeShare<Wide>>({.share = {.file = bytes(file)}});
    EXPECT_EQ(shared.value().status, Status::denied_grace_period);
    const auto unlocked = one->call<Unlock<Wide>>(
        {.lock = {.caller_name = std::string_view{"client"}, .file = bytes(file), .svid = 1}});
    EXPECT_EQ(unlocked.value().status, Status::granted);
    server->now += Grace::silence;
    EXPECT_EQ(lock(*other), Status::granted) << "everybody has reclaimed";
    EXPECT_EQ(lock(*one, true), Status::denied_grace_period) << "too late";
}

TEST_F(RecoveryTest, TheAnswerDuringGraceIsNotRepeatedAfterIt) {
    serve({lock_holder});
    auto channel = std::make_unique<berth::test::Loopback>(server->dispatcher);
    channel->fates({berth::test::Fate::reply_lost});
    rpc::Client client{std::move(channel), id4};
    server->now += seconds{44};
    EXPECT_EQ(lock(client), Status::denied_grace_period);
}

TEST_F(RecoveryTest, ClientsAreToldOfTheRestart) {
    serve({lock_holder});
    server->is_client_reachable = false;
    server->recovery.notify_all();
    server->run_callbacks();
    EXPECT_THAT(server->client_nsm.notices, IsEmpty());
    ASSERT_EQ(server->connections.size(), 2U) << "over UDP, then over TCP";
    EXPECT_EQ(server->connections[0].first.transport, rpc::Transport::udp);
    EXPECT_EQ(server->connections[1].first.transport, rpc::Transport::tcp);
    EXPECT_EQ(server->connections[0].first.client, lock_holder.address);
    EXPECT_EQ(server->connections[0].first.local, *rpc::Address::parse("192.0.2.1"));
    server->is_client_reachable = true;
    server->later += seconds{60};
    server->run_callbacks();
    EXPECT_THAT(server->client_nsm.notices,
                ElementsAre(Pair("server.example", server->monitored.state())));
    EXPECT_THAT(server->monitored.to_notify(), IsEmpty());
    EXPECT_TRUE(server->grace.is_on()) << "now it reclaims";
    server->now += Grace::silence;
    EXPECT_FALSE(server->grace.is_on());
}

TEST_F(RecoveryTest, WhoCannotBeToldIsGivenUp) {
    serve({lock_holder});
    server->is_client_reachable = false;
    server->recovery.notify_all();
    for (int minute = 0; minute < 17; ++minute) {
        server->run_callbacks();
        server->later += std::chrono::minutes{1};
    }
    EXPECT_THAT(server->monitored.to_notify(), IsEmpty());
    EXPECT_FALSE(server->grace.is_on());
}

TEST_F(RecoveryTest, ARestartedClientHasNoLocksAnyMore) {
    serve();
    auto one = server->client(id4);
    auto other = server->client(id4, "192.0.2.8");
    ASSERT_EQ(lock(*one, false, "client", 3), Status::granted);
    notify("192.0.2.8", "client", 5);
    EXPECT_EQ(lock(*other), Status::denied) << "another address says so";
    notify("192.0.2.7", "client", 3);
    EXPECT_EQ(lock(*other), Status::denied) << "that was before it locked";
    notify("192.0.2.7", "CLIENT.example.org", 5);
    EXPECT_EQ(lock(*other), Status::granted);
}

TEST_F(RecoveryTest, WhatItHadBeforeItsRestartGoesThoughItLocksBeforeItSaysSo) {
    serve();
    auto one = server->client(id4);
    auto other = server->client(id4, "192.0.2.8");
    ASSERT_EQ(lock(*one, false, "client", 3), Status::granted);
    file = server->handle("g");
    ASSERT_EQ(lock(*one, false, "client", 5), Status::granted);
    notify("192.0.2.7", "client", 5);
    EXPECT_EQ(lock(*other), Status::denied) << "locked since";
    file = server->handle("f");
    EXPECT_EQ(lock(*other), Status::granted);
}

TEST_F(RecoveryTest, WhatItReclaimedBeforeItsRestartGoesToo) {
    serve({lock_holder});
    auto one = server->client(id4);
    ASSERT_EQ(lock(*one, true), Status::granted) << "without a number";
    server->now += seconds{45};
    file = server->handle("g");
    ASSERT_EQ(lock(*one, false, "client", 5), Status::granted);
    notify("192.0.2.7", "client", 5);
    EXPECT_EQ(server->table.all().size(), 1U);
}

TEST_F(RecoveryTest, WhoMayNotLockIsNotMonitored) {
    serve();
    auto one = server->client(id4);
    const auto known = file;
    file = "no handle";
    EXPECT_EQ(lock(*one), Status::stale_handle);
    server->monitored.restart();
    EXPECT_THAT(server->monitored.to_notify(), IsEmpty());
    file = known;
    EXPECT_EQ(lock(*one), Status::granted);
    server->exports.replace({});
    EXPECT_EQ(lock(*one, false, "other"), Status::stale_handle);
    EXPECT_EQ(lock(*one), Status::stale_handle) << "though it has one of before";
    EXPECT_EQ(test(*one), Status::stale_handle);
    server->monitored.restart();
    EXPECT_EQ(server->monitored.to_notify().size(), 1U);
    const auto unlocked = one->call<Unlock<Wide>>(
        {.lock = {.caller_name = std::string_view{"client"}, .file = bytes(file), .svid = 1}});
    EXPECT_EQ(unlocked.value().status, Status::granted);
    EXPECT_THAT(server->table.hosts(), IsEmpty());
}

TEST_F(RecoveryTest, WhoIsDroppedWhileItsFileIsOpenedIsMonitoredAgainThoughItWaits) {
    serve();
    const auto slow = std::make_shared<vfs::faulty::FileSystem>(server->files);
    std::vector<exports::Export> made;
    made.push_back(exports::make_export("/tree", slow, {.squash = exports::Squash::none}));
    server->exports.replace(std::move(made));
    file = server->handle("f");
    auto other = server->client(id4, "192.0.2.8");
    ASSERT_EQ(lock(*other), Status::granted);
    slow->inject({.applies = [&](vfs::faulty::Operation) {
        const auto after = MonitorList::Clock::now() + seconds{1};
        server->monitored.keep([](const Host&) { return false; }, after, after);
        return false;
    }});
    const LockArgument<Wide> range{.caller_name = std::string_view{"client"}, .file = bytes(file)};
    auto one = server->client(id4);
    const auto waits = one->call<Lock<Wide>>({.block = true, .exclusive = true, .lock = range});
    ASSERT_EQ(waits.value().status, Status::blocked);
    server->monitored.restart();
    ASSERT_EQ(server->monitored.to_notify().size(), 1U);
    EXPECT_EQ(server->monitored.to_notify()[0].host, lock_holder);
}

TEST_F(RecoveryTest, AClientTooManyIsRefusedAndTheLogSaysSoOnce) {
    serve();
    auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
    spdlog::default_logger()->sinks().push_back(log);
    for (std::size_t n = 0; n < MonitorList::address_hosts_max; ++n)
        server->monitored.add(
            {.host = {.address = lock_holder.address, .name = std::to_string(n)}});
    auto one = server->client(id4);
    for (int times = 0; times < 3; ++times) {
        EXPECT_EQ(lock(*one), Status::denied_no_locks);
        EXPECT_EQ(lock(*one, false, "another"), Status::denied_no_locks);
    }
    EXPECT_EQ(lock(*server->client(id4, "192.0.2.8")), Status::granted);
    spdlog::default_logger()->sinks().pop_back();
    EXPECT_THAT(log->last_formatted(),
                ElementsAre(HasSubstr("192.0.2.7 (client): too many clients"),
                            HasSubstr("192.0.2.7 (another): too many clients")));
}

TEST_F(RecoveryTest, WhoWaitsSinceItsRestartWaitsOn) {
    serve();
    auto one = server->client(id4);
    auto other = server->client(id4, "192.0.2.8");
    const auto ask = [&](std::uint64_t offset, std::int32_t state) {
        const LockArgument<Wide> range{.caller_name = std::string_view{"client"},
                                       .file = bytes(file),
                                       .offset = offset,
                                       .length = 1};
        return one
            ->call<Lock<Wide>>({.block = true, .exclusive = true, .lock = range, .state = state})
            .value()
            .status;
    };
    ASSERT_EQ(ask(7, 3), Status::granted);
    const LockArgument<Wide> first{.file = bytes(file), .length = 2};
    ASSERT_EQ(other->call<Lock<Wide>>({.exclusive = true, .lock = first}).value().status,
              Status::granted);
    ASSERT_EQ(ask(0, 3), Status::blocked);
    ASSERT_EQ(ask(1, 5), Status::blocked);
    notify("192.0.2.7", "client", 5);
    EXPECT_EQ(other
                  ->call<Lock<Wide>>(
                      {.exclusive = true, .lock = {.file = bytes(file), .offset = 7, .length = 1}})
                  .value()
                  .status,
              Status::granted);
    EXPECT_TRUE(other->call<Unlock<Wide>>({.lock = first}));
    server->run_callbacks();
    ASSERT_EQ(server->client_side.heard.size(), 1U);
    EXPECT_EQ(server->client_side.heard[0].offset, 1U);
}

TEST_F(RecoveryTest, OfTwoClientsOfOneAddressTheNamedOneIsMeant) {
    serve();
    auto one = server->client(id4);
    auto other = server->client(id4, "192.0.2.8");
    ASSERT_EQ(lock(*one, false, "first"), Status::granted);
    file = server->handle("g");
    ASSERT_EQ(lock(*one, false, "second"), Status::granted);
    notify("192.0.2.7", "third", 5);
    EXPECT_EQ(lock(*other), Status::denied);
    notify("192.0.2.7", "second", 5);
    EXPECT_EQ(lock(*other), Status::granted);
    file = server->handle("f");
    EXPECT_EQ(lock(*other), Status::denied);
}

TEST_F(RecoveryTest, AClientOfAnotherNameIsMeantIfItIsTheOnlyOneThere) {
    serve();
    auto one = server->client(id4);
    ASSERT_EQ(lock(*one, false, "10.0.0.7"), Status::granted);
    notify("192.0.2.7", "client", 5);
    EXPECT_THAT(server->table.hosts(), IsEmpty());
}

TEST_F(RecoveryTest, AClientThatRestartedTooIsNotAwaited) {
    serve({lock_holder});
    notify("192.0.2.7", "client", 5);
    EXPECT_FALSE(server->grace.is_on());
    EXPECT_THAT(server->monitored.to_notify(), IsEmpty());
}

/// The whole of a lock manager, which keeps its state in a directory.
struct Keeping {
    explicit Keeping(const boost::filesystem::path& folder, seconds grace = seconds{45})
        : state(folder),
          services(world.exports, world.sealer,
                   {.state = &state.store,
                    .grace = grace,
                    .host_name = "server",
                    .connect = [](const ReturnPath&,
                                  const rpc::ProgramId&) { return std::unique_ptr<rpc::Client>{}; },
                    .watches = {}}) {
        for (auto& program : services.programs()) dispatcher.add(std::move(program));
    }
    Status lock(std::string_view host, bool reclaim = false, std::uint16_t port = 700) {
        auto channel = std::make_unique<berth::test::Loopback>(dispatcher);
        channel->from = {lock_holder.address, port};
        rpc::Client client{std::move(channel), id4};
        const LockArgument<Wide> range{.caller_name = host, .file = bytes(file), .svid = port};
        return client.call<Lock<Wide>>({.exclusive = true, .lock = range, .reclaim = reclaim})
            .value()
            .status;
    }
    Status unlock(std::string_view host) {
        auto channel = std::make_unique<berth::test::Loopback>(dispatcher);
        channel->from = {lock_holder.address, 700};
        rpc::Client client{std::move(channel), id4};
        const LockArgument<Wide> range{.caller_name = host, .file = bytes(file), .svid = 700};
        return client.call<Unlock<Wide>>({.lock = range}).value().status;
    }
    void serve_any_port() {
        std::vector<exports::Export> made;
        made.push_back(exports::make_export("/tree", world.files,
                                            {.squash = exports::Squash::none, .secure = false}));
        world.exports.replace(std::move(made));
    }

    berth::test::KeptState state;
    LockServer<Wide> world;  // of which only the exported tree serves
    std::string file = world.handle("f");
    rpc::Dispatcher dispatcher;
    Services services;
};

class NlmState : public ::testing::Test {
protected:
    [[nodiscard]] std::size_t recorded() const {
        berth::test::TemporaryDirectory copy;
        boost::filesystem::copy(folder / "locks", copy.path() / "locks");
        berth::test::KeptState state{copy.path()};
        return MonitorList{&state.store}.to_notify().size();
    }
    NlmState() { boost::filesystem::create_directory(folder); }

    berth::test::TemporaryDirectory directory;
    boost::filesystem::path folder = directory.path() / "state";
    boost::filesystem::path away = directory.path() / "away";
};

TEST_F(NlmState, WhoHoldsNothingIsNotAwaitedAfterAStop) {
    Keeping server{folder};
    server.services.start();
    ASSERT_EQ(server.lock("client"), Status::granted);
    EXPECT_EQ(recorded(), 1U);
    ASSERT_EQ(server.unlock("client"), Status::granted);
    EXPECT_TRUE(server.services.stop(seconds{20}));
    EXPECT_EQ(recorded(), 0U);
}

TEST_F(NlmState, ALockThatCanNotBeRecordedIsRefusedAndNotHeld) {
    auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
    spdlog::default_logger()->sinks().push_back(log);
    Keeping server{folder, seconds{0}};
    boost::filesystem::rename(folder, away);
    for (const auto* host : {"one", "other", "one"})
        EXPECT_EQ(server.lock(host), Status::denied_no_locks);
    EXPECT_THAT(server.services.table().hosts(), IsEmpty());
    boost::filesystem::create_directory(folder);
    EXPECT_EQ(server.lock("one"), Status::denied_no_locks) << "another directory";
    spdlog::default_logger()->sinks().pop_back();
    EXPECT_THAT(log->last_formatted(), ElementsAre(HasSubstr("locks can't be written")))
        << "not for each lock";
    boost::filesystem::remove(folder);
    boost::filesystem::rename(away, folder);
    EXPECT_EQ(server.lock("two"), Status::granted) << "nobody holds it";
    boost::filesystem::rename(folder, away);
    EXPECT_EQ(server.lock("two"), Status::denied_no_locks) << "the next start would not know";
    boost::filesystem::rename(away, folder);
}

TEST_F(NlmState, AfterDamageEverybodyMayReclaimAndNobodyElseLock) {
    { EXPECT_EQ(Keeping{folder}.lock("client"), Status::granted); }
    boost::filesystem::resize_file(folder / "locks", 5);
    for (int times = 0; times < 2; ++times) {
        Keeping server{folder};
        EXPECT_EQ(server.lock("other"), Status::denied_grace_period) << times;
        EXPECT_EQ(server.lock("client", true), Status::granted) << "though it is unknown";
        // Another crash meanwhile, and this one is not known either.
        boost::filesystem::remove(folder / "locks.damaged-1");
    }
    Keeping server{folder, seconds{0}};
    server.services.start();
    EXPECT_TRUE(server.services.stop(seconds{20}));
    EXPECT_EQ(Keeping{folder}.lock("other"), Status::denied_grace_period)
        << "the client that has reclaimed is known";
}

TEST_F(NlmState, WhatAReservedPortHeldNoOtherReclaims) {
    constexpr std::uint16_t users_port = 40000;
    {
        Keeping server{folder};
        server.serve_any_port();
        EXPECT_EQ(server.lock("client"), Status::granted);
    }
    {
        Keeping server{folder};
        server.serve_any_port();
        EXPECT_EQ(server.lock("client", true, users_port), Status::denied_no_locks);
        EXPECT_EQ(server.lock("any name", true, users_port), Status::denied_no_locks);
        EXPECT_EQ(server.lock("client", true), Status::granted);
    }
    boost::filesystem::remove(folder / "locks");
    {
        Keeping server{folder};
        server.serve_any_port();
        EXPECT_EQ(server.lock("client", false, users_port), Status::granted);
    }
    Keeping server{folder};
    server.serve_any_port();
    EXPECT_EQ(server.lock("client", true, users_port), Status::granted) << "what a user held";
}

class NsmTest : public RecoveryTest {
protected:
    NsmTest() { serve(); }
    nsm::Watched watched{.host = std::string_view{"host"}, .watcher = {}};
};

TEST_F(NsmTest, AnswersWithItsState) {
    auto who = server->client(nsm::id1);
    EXPECT_TRUE(who->call<rpc::Null>({}));
    const auto stat = who->call<nsm::Stat>(std::string_view{"host"}).value();
    EXPECT_EQ(stat.outcome, nsm::Outcome::success);
    EXPECT_EQ(stat.state, server->monitored.state());
    EXPECT_EQ(who->call<nsm::Unmonitor>(watched).value().state, stat.state);
    EXPECT_EQ(who->call<nsm::UnmonitorAll>({}).value().state, stat.state);
}

TEST_F(NsmTest, OnlyRootOfThisMachineSimulatesACrash) {
    auto one = server->client(id4);
    ASSERT_EQ(lock(*one), Status::granted);
    const auto state = server->monitored.state();
    EXPECT_TRUE(server->client(nsm::id1)->call<nsm::SimulateCrash>({}));
    EXPECT_TRUE(server->client(nsm::id1, "127.0.0.1", 1024)->call<nsm::SimulateCrash>({}));
    EXPECT_EQ(server->monitored.state(), state);
    EXPECT_EQ(server->table.hosts().size(), 1U);

    EXPECT_TRUE(server->client(nsm::id1, "127.0.0.1", 1023)->call<nsm::SimulateCrash>({}));
    EXPECT_EQ(server->monitored.state(), state + 2);
    EXPECT_THAT(server->table.hosts(), IsEmpty());
    EXPECT_TRUE(server->grace.is_on());
    server->run_callbacks();
    EXPECT_THAT(server->client_nsm.notices, ElementsAre(Pair("server.example", state + 2)));
    EXPECT_EQ(lock(*one, true), Status::granted) << "it reclaims";
}

TEST_F(NsmTest, NoPrefixOfArgumentsIsTaken) {
    berth::test::Caller caller{rpc::make_program(nsm::id1, server->nsm_service)};
    caller.expect_no_prefix_taken<nsm::Stat>(std::string_view{"host"});
    caller.expect_no_prefix_taken<nsm::Monitor>({.watched = watched});
    caller.expect_no_prefix_taken<nsm::Unmonitor>(watched);
    caller.expect_no_prefix_taken<nsm::UnmonitorAll>({});
    caller.expect_no_prefix_taken<nsm::Notify>({std::string_view{"host"}, 3});
}

}  // namespace
}  // namespace berth::nlm::test
