#include "rpc/reply_cache.hpp"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"

namespace berth::rpc {
namespace {

using Seen = ReplyCache::Seen;
using std::chrono::seconds;

CallKey key(std::uint32_t xid, std::string_view caller = "192.0.2.7") {
    return {.caller = *Address::parse(caller),
            .xid = xid,
            .program = 100003,
            .version = 3,
            .procedure = 8,
            .body_bytes = 100,
            .body_checksum = 0x0123456789abcdef};
}

Bytes reply_of(std::size_t size, unsigned char filling = 1) {
    return Bytes(size, std::byte{filling});
}

class ReplyCacheTest : public ::testing::Test {
protected:
    /// As of a call that runs to its end.
    void remember(const CallKey& call, std::size_t size = 100) {
        ASSERT_EQ(cache.begin(call, nullptr).seen, Seen::first);
        cache.finish(call, reply_of(size));
    }
    Seen seen(const CallKey& call) {
        const auto begun = cache.begin(call, nullptr);
        if (begun.seen == Seen::first) cache.abandon(call);
        return begun.seen;
    }

    ReplyCache::Clock::time_point now{std::chrono::hours{1}};
    ReplyCache cache{{.bytes_max = 16 * 10'000, .keep = seconds{120}}, [this] { return now; }};
};

TEST_F(ReplyCacheTest, FirstThenInProgressThenAnswered) {
    EXPECT_EQ(cache.begin(key(1), nullptr).seen, Seen::first);
    EXPECT_EQ(cache.begin(key(1), nullptr).seen, Seen::in_progress);
    EXPECT_EQ(cache.begin(key(1), nullptr).seen, Seen::in_progress);
    cache.finish(key(1), reply_of(8, 42));
    for (int i = 0; i < 3; ++i) {
        const auto begun = cache.begin(key(1), nullptr);
        EXPECT_EQ(begun.seen, Seen::answered);
        EXPECT_EQ(begun.reply, Bytes(8, std::byte{42}));
    }
    const auto statistics = cache.statistics();
    EXPECT_EQ(statistics.misses, 1U);
    EXPECT_EQ(statistics.dropped, 2U);
    EXPECT_EQ(statistics.hits, 3U);
    EXPECT_EQ(statistics.entries, 1U);
}

TEST_F(ReplyCacheTest, EveryPartOfTheKeyCounts) {
    remember(key(1));
    const auto other = [](auto change) {
        auto changed = key(1);
        change(changed);
        return changed;
    };
    EXPECT_EQ(seen(key(1)), Seen::answered);
    EXPECT_EQ(seen(key(2)), Seen::first);
    EXPECT_EQ(seen(key(1, "192.0.2.8")), Seen::first);
    EXPECT_EQ(seen(key(1, "2001:db8::7")), Seen::first);
    EXPECT_EQ(seen(other([](CallKey& k) { k.program = 100005; })), Seen::first);
    EXPECT_EQ(seen(other([](CallKey& k) { k.version = 1; })), Seen::first);
    EXPECT_EQ(seen(other([](CallKey& k) { k.procedure = 9; })), Seen::first);
    EXPECT_EQ(seen(other([](CallKey& k) { k.body_bytes = 104; })), Seen::first);
    EXPECT_EQ(seen(other([](CallKey& k) { k.body_checksum ^= 1; })), Seen::first);
}

TEST_F(ReplyCacheTest, AnAbandonedCallRunsAgain) {
    EXPECT_EQ(cache.begin(key(1), nullptr).seen, Seen::first);
    cache.abandon(key(1));
    EXPECT_EQ(cache.statistics().entries, 0U);
    EXPECT_EQ(cache.statistics().bytes, 0U);
    EXPECT_EQ(cache.begin(key(1), nullptr).seen, Seen::first);
}

TEST_F(ReplyCacheTest, RepliesAreKeptFor120SecondsAndNotLonger) {
    remember(key(1));
    now += seconds{60};
    remember(key(2));
    now += seconds{60};
    EXPECT_EQ(seen(key(1)), Seen::answered);
    EXPECT_EQ(seen(key(2)), Seen::answered);
    now += std::chrono::milliseconds{1};
    EXPECT_EQ(seen(key(1)), Seen::first);
    EXPECT_EQ(seen(key(2)), Seen::answered);
    now += seconds{60};
    EXPECT_EQ(seen(key(2)), Seen::first);
}

TEST_F(ReplyCacheTest, WhatIsOldIsForgottenEvenIfNobodyAsksForIt) {
    for (std::uint32_t xid = 0; xid < 200; ++xid) remember(key(xid));
    now += seconds{121};
    // One call to each shard, of which there are a few, is enough.
    for (std::uint32_t xid = 1000; xid < 1500; ++xid) seen(key(xid));
    EXPECT_EQ(cache.statistics().entries, 0U);
    EXPECT_EQ(cache.statistics().bytes, 0U);
}

TEST_F(ReplyCacheTest, SpaceIsBoundedAndTheOldestGoFirst) {
    for (std::uint32_t xid = 0; xid < 2000; ++xid) {
        remember(key(xid), 400);
        ASSERT_LE(cache.statistics().bytes, 16U * 10'000);
    }
    EXPECT_GE(cache.statistics().bytes, 16U * 10'000 / 2);
    EXPECT_EQ(seen(key(0)), Seen::first);
    EXPECT_EQ(seen(key(1999)), Seen::answered);
    EXPECT_EQ(seen(key(1990)), Seen::answered);
}

TEST_F(ReplyCacheTest, WhoCallsMuchPushesOutItsOwn) {
    for (std::uint32_t xid = 0; xid < 50; ++xid) remember(key(xid, "192.0.2.1"));
    for (std::uint32_t xid = 0; xid < 5000; ++xid) {
        remember(key(xid, "192.0.2.2"), 400);
        ASSERT_LE(cache.statistics().bytes, 16U * 10'000);
    }
    for (std::uint32_t xid = 0; xid < 50; ++xid)
        EXPECT_EQ(seen(key(xid, "192.0.2.1")), Seen::answered) << xid;
    EXPECT_EQ(seen(key(0, "192.0.2.2")), Seen::first);
    EXPECT_EQ(seen(key(4999, "192.0.2.2")), Seen::answered);
}

TEST_F(ReplyCacheTest, ClientsThatCallAlikeHaveAlike) {
    const std::vector<std::string> clients{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"};
    // What the first alone had filled it gives to the others.
    for (std::uint32_t xid = 0; xid < 2000; ++xid) remember(key(xid, clients[0]), 400);
    for (std::uint32_t xid = 2000; xid < 3000; ++xid)
        for (const auto& client : clients) remember(key(xid, client), 400);
    for (const auto& client : clients) {
        int known = 0;
        for (std::uint32_t xid = 2000; xid < 3000; ++xid)
            known += seen(key(xid, client)) == Seen::answered ? 1 : 0;
        EXPECT_GT(known, 16 * 10'000 / 500 / 12) << client;
    }
}

TEST_F(ReplyCacheTest, MoreClientsThanThereIsSpaceForLoseTheOldest) {
    const auto client = [](std::uint32_t n) {
        return "198.18." + std::to_string(n / 250) + "." + std::to_string(n % 250);
    };
    for (std::uint32_t n = 0; n < 2000; ++n) {
        remember(key(n, client(n)));
        ASSERT_EQ(seen(key(n, client(n))), Seen::answered) << n;
        ASSERT_LE(cache.statistics().bytes, 16U * 10'000);
    }
    EXPECT_EQ(seen(key(0, client(0))), Seen::first);
}

TEST_F(ReplyCacheTest, WhatIsOldIsForgottenWhoeverCalls) {
    for (std::uint32_t xid = 0; xid < 100; ++xid)
        for (const auto* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
            remember(key(xid, client));
    now += seconds{121};
    for (std::uint32_t xid = 1000; xid < 1500; ++xid) seen(key(xid, "192.0.2.4"));
    EXPECT_EQ(cache.statistics().entries, 0U);
    EXPECT_EQ(cache.statistics().bytes, 0U);
}

TEST_F(ReplyCacheTest, WhatIsInProgressIsNeverEvicted) {
    for (std::uint32_t xid = 0; xid < 100; ++xid) cache.begin(key(xid), nullptr);
    for (std::uint32_t xid = 100; xid < 2000; ++xid) remember(key(xid), 2000);
    now += std::chrono::hours{24};
    remember(key(2000));
    for (std::uint32_t xid = 0; xid < 100; ++xid)
        EXPECT_EQ(cache.begin(key(xid), nullptr).seen, Seen::in_progress) << xid;
    for (std::uint32_t xid = 0; xid < 100; ++xid) cache.finish(key(xid), reply_of(1));
}

TEST_F(ReplyCacheTest, AReplyLargerThanAllSpaceIsNotKept) {
    remember(key(1), 1'000'000);
    EXPECT_EQ(seen(key(1)), Seen::first);
    EXPECT_EQ(cache.statistics().bytes, 0U);
}

TEST_F(ReplyCacheTest, TheEndOfACallTellsTheWayOfItsNewestCopy) {
    const auto first = std::make_shared<KeptReplies>();
    const auto second = std::make_shared<KeptReplies>();
    const auto third = std::make_shared<KeptReplies>();
    cache.begin(key(1), first);
    cache.begin(key(1), second);
    cache.begin(key(1), third);
    EXPECT_EQ(cache.finish(key(1), reply_of(1)), third);
    // Nobody asked again, or who did is gone: no other way.
    cache.begin(key(2), first);
    EXPECT_EQ(cache.finish(key(2), reply_of(1)), nullptr);
    cache.begin(key(3), first);
    cache.begin(key(3), std::make_shared<KeptReplies>());
    EXPECT_EQ(cache.finish(key(3), reply_of(1)), nullptr);
    cache.begin(key(4), first);
    cache.begin(key(4), second);
    EXPECT_EQ(cache.abandon(key(4)), second);
}

TEST(ReplyCacheThreads, EachCallRunsOnce) {
    constexpr std::uint32_t calls = 500;
    constexpr int threads_count = 4;
    ReplyCache cache{{.bytes_max = std::size_t{1} << 30}};
    std::vector<std::atomic<int>> runs(calls);
    std::atomic<int> wrong_replies{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < threads_count; ++i)
            threads.emplace_back([&, i] {
                std::mt19937 random{static_cast<unsigned>(i)};
                for (int step = 0; step < 4000; ++step) {
                    const auto xid = static_cast<std::uint32_t>(random() % calls);
                    const auto begun = cache.begin(key(xid), std::make_shared<KeptReplies>());
                    if (begun.seen == Seen::first) {
                        ++runs[xid];
                        cache.finish(key(xid), reply_of(8, static_cast<unsigned char>(xid)));
                    } else if (begun.seen == Seen::answered &&
                               begun.reply.front() != static_cast<std::byte>(xid)) {
                        ++wrong_replies;
                    }
                }
            });
    }
    for (std::uint32_t xid = 0; xid < calls; ++xid) EXPECT_LE(runs[xid], 1) << xid;
    EXPECT_EQ(wrong_replies, 0);
    EXPECT_EQ(cache.statistics().entries, cache.statistics().misses);
}

TEST(ReplyCacheThreads, EvictionAndAbandoningUnderLoad) {
    ReplyCache cache{{.bytes_max = 16 * 4000, .keep = seconds{0}}};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            std::mt19937 random{static_cast<unsigned>(i)};
            for (int step = 0; step < 4000; ++step) {
                const auto call = key(static_cast<std::uint32_t>(random() % 50));
                if (cache.begin(call, nullptr).seen != Seen::first) continue;
                if (random() % 4 == 0)
                    cache.abandon(call);
                else
                    cache.finish(call, reply_of(random() % 2000));
            }
        });
    threads.clear();
    EXPECT_LE(cache.statistics().bytes, 16U * 4000);
}

}  // namespace
}  // namespace berth::rpc
