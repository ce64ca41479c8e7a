// Restarts of the server and of clients, and the NSM by which they tell each other.
#include "nlm/recovery.hpp"

#include <gmock/gmock.h>

#include "tests/nlm/fixture.hpp"
#include "tests/support/caller.hpp"

namespace berth::nlm::test {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const Host holder{.address = *rpc::Address::parse("192.0.2.7"), .name = "client"};

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
    serve({holder});
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
    serve({holder});
    auto channel = std::make_unique<berth::test::Loopback>(server->dispatcher);
    channel->fates({berth::test::Fate::reply_lost});
    rpc::Client client{std::move(channel), id4};
    server->now += seconds{44};
    EXPECT_EQ(lock(client), Status::denied_grace_period);
}

TEST_F(RecoveryTest, ClientsAreToldOfTheRestart) {
    serve({holder});
    server->is_client_reachable = false;
    server->recovery.notify_all();
    server->run_callbacks();
    EXPECT_THAT(server->client_nsm.notices, IsEmpty());
    ASSERT_EQ(server->connections.size(), 2U) << "over UDP, then over TCP";
    EXPECT_EQ(server->connections[0].first.transport, rpc::Transport::udp);
    EXPECT_EQ(server->connections[1].first.transport, rpc::Transport::tcp);
    EXPECT_EQ(server->connections[0].first.client, holder.address);
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
    serve({holder});
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
    serve({holder});
    auto one = server->client(id4);
    ASSERT_EQ(lock(*one, true), Status::granted) << "without a number";
    server->now += seconds{45};
    file = server->handle("g");
    ASSERT_EQ(lock(*one, false, "client", 5), Status::granted);
    notify("192.0.2.7", "client", 5);
    EXPECT_EQ(server->table.all().size(), 1U);
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
    serve({holder});
    notify("192.0.2.7", "client", 5);
    EXPECT_FALSE(server->grace.is_on());
    EXPECT_THAT(server->monitored.to_notify(), IsEmpty());
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
