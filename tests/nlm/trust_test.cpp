// Whom the lock manager believes: what root of a client took, its users do not give back, and a
// datagram that says that a client has restarted can be anybody's.
#include <gmock/gmock.h>

#include "tests/nlm/every_version.hpp"

namespace berth::nlm::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint16_t users_port = 40000;

template <class T>
class ReservedPorts : public EveryVersion<T> {
protected:
    std::unique_ptr<rpc::Client> user = this->server.client(T::id, "192.0.2.7", users_port);
};
TYPED_TEST_SUITE(ReservedPorts, Versions);

TYPED_TEST(ReservedPorts, WhatWasLockedFromOneIsUnlockedFromOneOnly) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->unlock(*this->user, 0, 10), S::denied_no_locks);
    EXPECT_TRUE(
        this->user->template call<UnlockMessage<V>>({bytes(this->cookie), this->range(0, 10)}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied);
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted);
}

TYPED_TEST(ReservedPorts, WhoMayCallFromAnyDoesNotWeakenALockOfRoot) {
    using S = typename TestFixture::Answer;
    std::vector<exports::Export> made;
    made.push_back(exports::make_export("/tree", this->server.files,
                                        {.squash = exports::Squash::none, .secure = false}));
    this->server.exports.replace(std::move(made));
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    auto shared = this->lock_args(0, 10);
    shared.exclusive = false;
    EXPECT_EQ(this->lock(*this->user, shared), S::denied_no_locks);
    EXPECT_EQ(this->lock(*this->other, shared), S::denied);
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->user, 0, 10), S::granted);
    EXPECT_EQ(this->unlock(*this->user, 0, 10), S::granted) << "what a user took it gives back";
}

TYPED_TEST(ReservedPorts, AWaitFromOneIsCancelledFromOneOnly) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->other, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->one, 0, 10, true), S::blocked);
    EXPECT_EQ(this->cancel(*this->user, 0, 10), S::denied);
    EXPECT_EQ(this->unlock(*this->user, 0, 10), S::denied_no_locks);
    ASSERT_EQ(this->unlock(*this->other, 0, 10), S::granted);
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), SizeIs(1)) << "it still waited";
}

TYPED_TEST(ReservedPorts, AGrantIsRefusedFromOneOnly) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->other, 0, 10), S::granted);
    EXPECT_TRUE(this->one->template call<LockMessage<V>>(this->lock_args(0, 10, true)));
    ASSERT_EQ(this->unlock(*this->other, 0, 10), S::granted);
    this->server.run_callbacks();
    const auto granted = this->server.client_side.heard.back().cookie;
    ASSERT_EQ(this->heard().back(), "GRANTED_MSG");
    EXPECT_TRUE(this->user->template call<GrantedResult<V>>({bytes(granted), S::denied}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied) << "it has the lock";
    EXPECT_TRUE(this->one->template call<GrantedResult<V>>({bytes(granted), S::denied}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted);
}

class TrustTest : public EveryVersion<Version<Wide, 4>> {
protected:
    using S = Status;

    void notify(std::int32_t state, rpc::Transport transport, std::uint16_t port = 700,
                std::string_view name = "client.example") {
        auto monitor = server.client(nsm::id1, "192.0.2.7", port, transport);
        EXPECT_TRUE(monitor->call<nsm::Notify>({name, state}));
        server.run_callbacks();
    }
    Status lock_as(std::int32_t state) {
        auto args = lock_args(0, 10);
        args.state = state;
        return lock(*one, args);
    }
    bool is_held() {
        const auto answer = other->call<nlm::Test<Wide>>(test_args(0, 10)).value();
        return answer.reply.discriminant() == Status::denied;
    }
};

TEST_F(TrustTest, ADatagramThatSaysRestartedIsConfirmedFirst) {
    ASSERT_EQ(lock_as(3), Status::granted);
    server.client_nsm.state = 3;
    notify(5, rpc::Transport::udp);
    EXPECT_EQ(server.client_nsm.asked, 1);
    EXPECT_TRUE(is_held()) << "its status monitor knows of no restart";
    notify(3, rpc::Transport::udp);
    EXPECT_TRUE(is_held()) << "the number that it had when it locked";
    server.client_nsm.state = 5;
    server.later += std::chrono::minutes{1};
    server.run_callbacks();
    EXPECT_FALSE(is_held()) << "now it says so";
}

TEST_F(TrustTest, WhereNobodyConfirmsNothingGoes) {
    ASSERT_EQ(lock_as(3), Status::granted);
    server.is_client_reachable = false;
    notify(5, rpc::Transport::udp);
    for (int minute = 0; minute < 20; ++minute) {
        server.later += std::chrono::minutes{1};
        server.run_callbacks();
    }
    EXPECT_TRUE(is_held());
    EXPECT_EQ(server.connections.front().second.number, nsm::id1.number);
    EXPECT_FALSE(server.connections.front().first.is_owed) << "only from the credit it has";
    const auto attempts = server.connections.size();
    server.later += std::chrono::hours{1};
    server.run_callbacks();
    EXPECT_EQ(server.connections.size(), attempts) << "given up";
    notify(5, rpc::Transport::tcp);
    EXPECT_FALSE(is_held()) << "a connection is no forgery";
}

TEST_F(TrustTest, OneConfirmationAtATimeAndNoneForStrangers) {
    server.is_client_reachable = false;
    for (int times = 0; times < 100; ++times) notify(5, rpc::Transport::udp);
    EXPECT_THAT(server.connections, IsEmpty()) << "it has nothing";
    ASSERT_EQ(lock_as(3), Status::granted);
    for (int times = 0; times < 100; ++times) notify(5 + 2 * times, rpc::Transport::udp);
    EXPECT_THAT(server.connections, SizeIs(2)) << "over UDP, then over TCP, then after a pause";
}

TEST_F(TrustTest, AUsersNoticeFreesNothingOfRoot) {
    ASSERT_EQ(lock_as(3), Status::granted);
    server.client_nsm.state = 5;
    notify(5, rpc::Transport::tcp, users_port);
    EXPECT_TRUE(is_held());
    notify(5, rpc::Transport::udp, users_port);
    EXPECT_TRUE(is_held());
    auto user = server.client(id4, "192.0.2.7", users_port);
    EXPECT_TRUE(user->call<FreeAll>({std::string_view{caller_name}, 0}));
    EXPECT_TRUE(is_held());
}

TEST_F(TrustTest, AUsersNoticeLeavesThoseThatAreToReclaim) {
    const Host host{.address = *rpc::Address::parse("192.0.2.7"), .name = "client.example"};
    LockServer<Wide> restarted{{host}};
    restarted.monitored.add({.host = host, .local = {}, .used = {}});
    restarted.monitored.restart();
    const auto notify = [&](std::uint16_t port) {
        EXPECT_TRUE(restarted.client(nsm::id1, "192.0.2.7", port)
                        ->call<nsm::Notify>({std::string_view{host.name}, 5}));
    };
    notify(users_port);
    EXPECT_TRUE(restarted.grace.is_on());
    EXPECT_THAT(restarted.monitored.to_notify(), SizeIs(1));
    notify(700);
    EXPECT_FALSE(restarted.grace.is_on());
}

TEST_F(TrustTest, FreeAllInADatagramIsConfirmedToo) {
    ASSERT_EQ(lock_as(3), Status::granted);
    auto datagram = server.client(id4, "192.0.2.7", 700, rpc::Transport::udp);
    server.client_nsm.state = 3;
    EXPECT_TRUE(datagram->call<FreeAll>({std::string_view{caller_name}, 0}));
    server.run_callbacks();
    EXPECT_TRUE(is_held());
    server.client_nsm.state = 5;
    auto again = server.client(id4, "192.0.2.7", 701, rpc::Transport::udp);
    EXPECT_TRUE(again->call<FreeAll>({std::string_view{caller_name}, 0}));
    server.run_callbacks();
    EXPECT_FALSE(is_held());
}

TEST_F(TrustTest, FreeAllInADatagramFreesNothingThatHasNoNumber) {
    ASSERT_EQ(lock_as(0), Status::granted);
    server.client_nsm.state = 5;
    auto datagram = server.client(id4, "192.0.2.7", 700, rpc::Transport::udp);
    EXPECT_TRUE(datagram->call<FreeAll>({std::string_view{caller_name}, 0}));
    server.run_callbacks();
    EXPECT_TRUE(is_held());
    notify(5, rpc::Transport::udp);
    EXPECT_FALSE(is_held());
}

TEST_F(TrustTest, AShareOfRootStaysItsOwn) {
    const auto share = [&](rpc::Client& who, ShareMode mode) {
        return who
            .call<TakeShare<Wide>>({.share = {.caller_name = std::string_view{caller_name},
                                              .file = bytes(file),
                                              .owner = bytes(owner),
                                              .mode = mode,
                                              .access = ShareAccess::read}})
            .value()
            .status;
    };
    const auto unshare = [&](rpc::Client& who) {
        return who
            .call<Unshare<Wide>>({.share = {.caller_name = std::string_view{caller_name},
                                            .file = bytes(file),
                                            .owner = bytes(owner)}})
            .value()
            .status;
    };
    ASSERT_EQ(share(*one, ShareMode::deny_read), Status::granted);
    auto user = server.client(id4, "192.0.2.7", users_port);
    EXPECT_EQ(unshare(*user), Status::denied_no_locks);
    EXPECT_EQ(share(*other, ShareMode::deny_none), Status::denied);
    EXPECT_EQ(unshare(*one), Status::granted);
    EXPECT_EQ(share(*other, ShareMode::deny_none), Status::granted);
}

TEST_F(TrustTest, AWatchOfRootStaysItsOwn) {
    const nsm::Watcher watcher{
        .name = std::string_view{"localhost"}, .program = 200048, .version = 1, .procedure = 16};
    const auto monitor = [&](std::uint16_t port) {
        return server.client(nsm::id1, "127.0.0.1", port)
            ->call<nsm::Monitor>(
                {.watched = {.host = std::string_view{"192.0.2.30"}, .watcher = watcher}})
            .value()
            .outcome;
    };
    ASSERT_EQ(monitor(700), nsm::Outcome::success);
    EXPECT_EQ(monitor(users_port), nsm::Outcome::failure) << "it would be called from any port";
    auto user = server.client(nsm::id1, "127.0.0.1", users_port);
    EXPECT_TRUE(user->call<nsm::Unmonitor>({std::string_view{"192.0.2.30"}, watcher}));
    EXPECT_TRUE(user->call<nsm::UnmonitorAll>(watcher));
    EXPECT_EQ(server.watches.size(), 1U);
    auto root = server.client(nsm::id1, "127.0.0.1", 701);
    EXPECT_TRUE(root->call<nsm::UnmonitorAll>(watcher));
    EXPECT_EQ(server.watches.size(), 0U);
}

}  // namespace
}  // namespace berth::nlm::test
