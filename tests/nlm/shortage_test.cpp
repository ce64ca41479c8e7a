// Lack of memory in the middle of a call: no lock, waiter or share is left that nobody can free.
#include <string>
#include <tuple>

#include "tests/nlm/every_version.hpp"
#include "tests/support/allocations.hpp"

namespace berth::nlm::test {
namespace {

using berth::test::fail_each_allocation;

template <class T>
class LockingWithoutMemory : public EveryVersion<T> {
protected:
    using V = typename T::V;

    /// For calls whose allocations fail: without a look at their replies.
    void try_lock(rpc::Client& who, bool block = false) {
        std::ignore = who.call<Lock<V>>(this->lock_args(0, 10, block));
    }
    void try_unlock(rpc::Client& who, std::uint32_t offset, std::uint32_t length) {
        std::ignore = who.call<Unlock<V>>({bytes(this->cookie), this->range(offset, length)});
    }
    /// After whatever has happened to it, the client frees what it may have.
    void free_all() {
        this->unlock(*this->one, 0, 0);
        this->server.run_callbacks();
    }
    template <class Work>
    void expect_nothing_left(Work work) {
        fail_each_allocation(work, [this] {
            free_all();
            expect_free();
        });
    }
    /// Nothing of the first client is in the way of another.
    void expect_free() {
        EXPECT_EQ(this->lock(*this->other, 0, 0), V::Status::granted);
        EXPECT_EQ(this->unlock(*this->other, 0, 0), V::Status::granted);
    }
};
TYPED_TEST_SUITE(LockingWithoutMemory, Versions);

TYPED_TEST(LockingWithoutMemory, ALock) {
    this->expect_nothing_left([this] { this->try_lock(*this->one); });
}

TYPED_TEST(LockingWithoutMemory, AnUnlock) {
    this->expect_nothing_left([this] {
        this->try_lock(*this->one);
        this->try_unlock(*this->one, 2, 3);  // which makes two of one
    });
}

TYPED_TEST(LockingWithoutMemory, AWaiter) {
    fail_each_allocation(
        [this] {
            this->try_lock(*this->other);
            this->try_lock(*this->one, true);
        },
        [this] {
            this->cancel(*this->one, 0, 10);
            this->unlock(*this->other, 0, 0);
            this->free_all();
            this->expect_free();
        });
}

TYPED_TEST(LockingWithoutMemory, AGrant) {
    fail_each_allocation(
        [this] {
            this->try_lock(*this->other);
            this->try_lock(*this->one, true);
            this->try_unlock(*this->other, 0, 0);
            this->server.run_callbacks();
        },
        [this] {
            this->unlock(*this->other, 0, 0);
            this->server.run_callbacks();
            this->cancel(*this->one, 0, 10);
            this->free_all();
            this->expect_free();
        });
}

TYPED_TEST(LockingWithoutMemory, ATest) {
    ASSERT_EQ(this->lock(*this->other, 0, 0), TypeParam::V::Status::granted);
    fail_each_allocation(
        [this] {
            std::ignore =
                this->one->template call<Test<typename TypeParam::V>>(this->test_args(0, 10));
        },
        [] {});
    EXPECT_EQ(this->unlock(*this->other, 0, 0), TypeParam::V::Status::granted);
    this->expect_free();
}

// Each of these owes its caller a call, which is a callback more to have memory for.
TYPED_TEST(LockingWithoutMemory, Messages) {
    using Words = typename TypeParam::V;
    this->expect_nothing_left([this] {
        auto& who = *this->one;
        std::ignore = who.template call<LockMessage<Words>>(this->lock_args(0, 10));
        std::ignore = who.template call<TestMessage<Words>>(this->test_args(0, 10));
        std::ignore =
            who.template call<UnlockMessage<Words>>({bytes(this->cookie), this->range(2, 3)});
        this->server.run_callbacks();
    });
}

TYPED_TEST(LockingWithoutMemory, AWaiterByMessage) {
    using Words = typename TypeParam::V;
    fail_each_allocation(
        [this] {
            this->try_lock(*this->other);
            std::ignore =
                this->one->template call<LockMessage<Words>>(this->lock_args(0, 10, true));
            this->try_unlock(*this->other, 0, 0);
            this->server.run_callbacks();
            std::ignore =
                this->one->template call<CancelMessage<Words>>({.cookie = bytes(this->cookie),
                                                                .block = true,
                                                                .exclusive = true,
                                                                .lock = this->range(0, 10)});
            this->server.run_callbacks();
        },
        [this] {
            this->unlock(*this->other, 0, 0);
            this->server.run_callbacks();
            this->cancel(*this->one, 0, 10);
            this->free_all();
            this->expect_free();
        });
}

template <class T>
class LaterLockingWithoutMemory : public LockingWithoutMemory<T> {};
using Later = ::testing::Types<Version<Narrow, 3>, Version<Wide, 4>>;
TYPED_TEST_SUITE(LaterLockingWithoutMemory, Later);

TYPED_TEST(LaterLockingWithoutMemory, ARestartOfTheClient) {
    fail_each_allocation(
        [this] {
            this->try_lock(*this->one);
            std::ignore = this->one->template call<FreeAll>(
                {.name = std::string_view{"client.example"}, .state = 0});
        },
        [this] {
            std::ignore = this->one->template call<FreeAll>(
                {.name = std::string_view{"client.example"}, .state = 0});
            this->server.run_callbacks();
            this->expect_free();
        });
}

TYPED_TEST(LaterLockingWithoutMemory, AShare) {
    const auto args = [this] {
        return ShareArgs{.cookie = bytes(this->cookie),
                         .share = {.caller_name = std::string_view{this->caller_name},
                                   .file = bytes(this->file),
                                   .owner = bytes(this->owner),
                                   .mode = ShareMode::deny_both,
                                   .access = ShareAccess::both}};
    };
    fail_each_allocation(
        [&] { std::ignore = this->one->template call<TakeShare<typename TypeParam::V>>(args()); },
        [&] {
            std::ignore = this->one->template call<Unshare<typename TypeParam::V>>(args());
            const auto taken = this->other->template call<TakeShare<typename TypeParam::V>>(args());
            EXPECT_EQ(taken.value().status, TypeParam::V::Status::granted);
            std::ignore = this->other->template call<Unshare<typename TypeParam::V>>(args());
        });
}

class WatchingWithoutMemory : public ::testing::Test {
protected:
    static constexpr std::string_view host = "192.0.2.30";

    std::unique_ptr<rpc::Client> local() { return server.client(nsm::id1, "127.0.0.1", 1023); }
    auto monitor(rpc::Client& who) {
        return who.call<nsm::Monitor>(
            {.watched = {.host = host, .watcher = watcher}, .cookie = {}});
    }
    /// The host can still be watched, its restart is told, and it can be forgotten.
    void expect_working() {
        const auto who = local();
        EXPECT_EQ(monitor(*who).value().outcome, nsm::Outcome::success);
        server.watcher.heard.clear();
        EXPECT_TRUE(server.client(nsm::id1, "192.0.2.30")
                        ->call<nsm::Notify>({std::string_view{"any name"}, restart += 2}));
        server.run_callbacks();
        ASSERT_FALSE(server.watcher.heard.empty());
        EXPECT_EQ(server.watcher.heard.back().state, restart);
        EXPECT_TRUE(who->call<nsm::UnmonitorAll>(watcher));
        EXPECT_EQ(server.watches.size(), 0U);
    }

    LockServer<Wide> server;
    std::int32_t restart = 1001;
    const nsm::Watcher watcher{
        .name = std::string_view{"localhost"}, .program = 200048, .version = 1, .procedure = 16};
};

TEST_F(WatchingWithoutMemory, AHostIsWatchedAndForgotten) {
    const auto who = local();
    fail_each_allocation(
        [&] {
            std::ignore = monitor(*who);
            std::ignore = who->call<nsm::Stat>(host);
            std::ignore = who->call<nsm::Unmonitor>({host, watcher});
            std::ignore = who->call<nsm::UnmonitorAll>(watcher);
        },
        [&] { expect_working(); });
}

TEST_F(WatchingWithoutMemory, ARestartIsTold) {
    const auto who = local();
    const auto peer = server.client(nsm::id1, "192.0.2.30");
    fail_each_allocation(
        [&] {
            std::ignore = monitor(*who);
            std::ignore = peer->call<nsm::Notify>({std::string_view{"any name"}, restart += 2});
            server.run_callbacks();
        },
        [&] {
            server.run_callbacks();
            expect_working();
        });
}

TEST_F(WatchingWithoutMemory, ASimulatedCrash) {
    const auto who = local();
    fail_each_allocation(
        [&] {
            std::ignore = monitor(*who);
            std::ignore = who->call<nsm::SimulateCrash>({});
            server.run_callbacks();
        },
        [&] {
            server.run_callbacks();
            expect_working();
        });
}

}  // namespace
}  // namespace berth::nlm::test
