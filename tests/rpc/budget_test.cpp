#include "rpc/budget.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"

namespace berth::rpc {
namespace {

using std::chrono::seconds;

constexpr std::size_t mib = std::size_t{1} << 20;

/// A connection that only remembers what it was asked.
class Connection final : public Budget::Holder, public std::enable_shared_from_this<Connection> {
public:
    Connection(const std::shared_ptr<Budget>& budget, std::string_view client)
        : member(budget, *Address::parse(client), *this) {}

    std::shared_ptr<Budget::Holder> hold() noexcept override { return weak_from_this().lock(); }
    void give_way(const char*) noexcept override { gave_way = true; }
    void give_way_if_idle(const char*) noexcept override {
        call_arrived ? member.stay() : static_cast<void>(gave_way = true);
    }

    bool gave_way = false;
    bool call_arrived = false;  // since the budget last looked
    Budget::Member member;
};

class BudgetTest : public ::testing::Test {
protected:
    void limit(const Budget::Limits& limits) {
        budget = std::make_shared<Budget>(limits, [this] { return now; });
    }
    Budget::AccountPtr account(std::string_view client) {
        return budget->account(*Address::parse(client));
    }
    std::shared_ptr<Connection> connect(std::string_view client) {
        now += seconds{1};  // so that each is older than the next
        return std::make_shared<Connection>(budget, client);
    }
    /// Takes MiB by MiB until there is no room.
    std::vector<Budget::Share> fill(const Budget::AccountPtr& client) {
        std::vector<Budget::Share> shares;
        while (client->has_room()) shares.emplace_back(client, mib);
        return shares;
    }

    Budget::Clock::time_point now{std::chrono::hours{1}};
    std::shared_ptr<Budget> budget;
};

TEST_F(BudgetTest, SharesAreCountedForTheClientAndGivenBack) {
    limit({});
    const auto client = account("192.0.2.7");
    EXPECT_EQ(client, account("192.0.2.7"));
    EXPECT_NE(client, account("192.0.2.8"));
    Budget::Share share{client, 100};
    EXPECT_EQ(client->held(), 100U);
    share.resize(50);
    EXPECT_EQ(client->held(), 50U);
    auto other = std::move(share);
    share = Budget::Share{account("192.0.2.8"), 7};
    EXPECT_EQ(budget->statistics().bytes, 57U);
    other.release();
    EXPECT_EQ(client->held(), 0U);
    share = {};
    EXPECT_EQ(budget->statistics().bytes, 0U);
}

TEST_F(BudgetTest, ClientsThatHoldNothingAreForgotten) {
    limit({});
    for (int i = 0; i < 200; ++i) {
        const Budget::Share share{account("192.0.2." + std::to_string(i)), 1};
        EXPECT_EQ(budget->statistics().clients, 1U);
    }
    EXPECT_EQ(budget->statistics().clients, 0U);
    EXPECT_EQ(budget->statistics().bytes, 0U);
}

TEST_F(BudgetTest, OneClientLeavesHalfForTheNext) {
    limit({.bytes_max = 64 * mib});
    const auto first = account("192.0.2.1");
    const auto second = account("192.0.2.2");
    const auto shares = fill(first);
    EXPECT_GT(first->held(), 16 * mib);
    EXPECT_LT(first->held(), 32 * mib);
    EXPECT_TRUE(second->has_room());
    const auto more = fill(second);
    EXPECT_GT(second->held(), 8 * mib);
    EXPECT_FALSE(first->has_room());
}

TEST_F(BudgetTest, TheCeilingHoldsHoweverManyClientsThereAre) {
    limit({.bytes_max = 64 * mib});
    std::vector<Budget::AccountPtr> clients;
    std::vector<std::vector<Budget::Share>> shares;
    for (int i = 0; i < 250; ++i) {
        clients.push_back(account("192.0.2." + std::to_string(i)));
        shares.push_back(fill(clients.back()));
    }
    EXPECT_LE(budget->statistics().bytes, 64 * mib);
    // The first ones have most, and are answered again when they have given half of it back.
    EXPECT_FALSE(clients.front()->has_room());
    shares.clear();
    EXPECT_TRUE(clients.front()->has_room());
}

TEST_F(BudgetTest, WhoHoldsNextToNothingIsAnsweredWhileOthersWait) {
    limit({.bytes_max = 64 * mib});
    std::vector<std::vector<Budget::Share>> shares;
    std::vector<Budget::AccountPtr> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(account("192.0.2." + std::to_string(i)));
        shares.push_back(fill(clients.back()));
    }
    for (const auto& client : clients) EXPECT_FALSE(client->has_room());
    const auto small = account("192.0.2.100");
    const Budget::Share share{small, 4096};
    EXPECT_TRUE(small->has_room());
}

TEST_F(BudgetTest, SilentConnectionsOfTheClientThatWaitsGiveWayOldestFirst) {
    limit({.patience = seconds{5}});
    std::vector<std::shared_ptr<Connection>> all;
    for (int i = 0; i < 40; ++i) all.push_back(connect("192.0.2.1"));
    for (const auto& one : all) one->member.tell(true, false);
    const auto idle = connect("192.0.2.1");
    const auto other = connect("192.0.2.2");
    other->member.tell(true, false);
    budget->relieve(*all[0]->member.account());
    const auto gave_way = [&] {
        return std::ranges::count_if(all, [](const auto& one) { return one->gave_way; });
    };
    EXPECT_EQ(gave_way(), 32);  // as many as go at once
    EXPECT_TRUE(all[0]->gave_way && all[31]->gave_way);
    now += seconds{1};
    budget->relieve(*all[0]->member.account());
    EXPECT_EQ(gave_way(), 38) << "the last ones are not yet silent for long enough";
    EXPECT_FALSE(idle->gave_way);
    EXPECT_FALSE(other->gave_way);
}

TEST_F(BudgetTest, TheClientThatHoldsMostGivesWayToOthers) {
    limit({.patience = seconds{5}});
    const auto large = connect("192.0.2.1");
    const auto reading = connect("192.0.2.1");
    const auto small = connect("192.0.2.2");
    const auto waiting = connect("192.0.2.3");
    for (const auto& one : {large, reading, small}) one->member.tell(true, false);
    const Budget::Share most{large->member.account(), 10 * mib};
    const Budget::Share less{small->member.account(), 9 * mib};
    now += seconds{2};
    reading->member.moved();
    budget->relieve(*waiting->member.account());
    EXPECT_TRUE(large->gave_way);
    EXPECT_FALSE(reading->gave_way);
    EXPECT_FALSE(small->gave_way);
    EXPECT_EQ(budget->statistics().given_way, 1U);
}

// What can't give way, at the client that holds most, keeps nobody else from it; and what one of
// many clients holds is too little.
TEST_F(BudgetTest, ManyThatHoldLittleGiveWayTogether) {
    limit({.bytes_max = 16 * mib});
    const auto busy = connect("192.0.2.1");
    const Budget::Share most{busy->member.account(), mib};
    std::vector<std::shared_ptr<Connection>> silent;
    std::vector<Budget::Share> shares;
    for (int number = 0; number < 40; ++number) {
        silent.push_back(connect("198.51.100." + std::to_string(number)));
        silent.back()->member.tell(true, false);
        shares.emplace_back(silent.back()->member.account(), mib / 8);
    }
    now += seconds{2};
    const auto waiting = connect("192.0.2.2");
    const Budget::Share own{waiting->member.account(), mib / 8};
    budget->relieve(*waiting->member.account());
    const auto gave_way = std::ranges::count_if(silent, &Connection::gave_way);
    EXPECT_EQ(gave_way, 8) << "as many as free a MiB";
    EXPECT_FALSE(busy->gave_way);
    EXPECT_FALSE(waiting->gave_way);
}

TEST_F(BudgetTest, TheOldestIdleConnectionOfTheClientWithMostMakesRoom) {
    limit({.connections_max = 16});
    std::vector<std::shared_ptr<Connection>> many;
    for (int i = 0; i < 14; ++i) many.push_back(connect("192.0.2.1"));
    const auto single = connect("192.0.2.2");
    const auto another = connect("192.0.2.3");
    many[0]->member.tell(false, false);  // it has a call
    many[1]->member.moved();             // and this one has had one just now
    EXPECT_TRUE(budget->admit(*Address::parse("192.0.2.4")));
    EXPECT_TRUE(many[2]->gave_way);
    EXPECT_FALSE(single->gave_way);
    EXPECT_EQ(budget->statistics().given_way, 1U);
}

TEST_F(BudgetTest, OneThatHasACallByThenStays) {
    limit({.connections_max = 2});
    const auto first = connect("192.0.2.1");
    const auto second = connect("192.0.2.1");
    first->call_arrived = true;
    EXPECT_TRUE(budget->admit(*Address::parse("192.0.2.2")));
    EXPECT_FALSE(first->gave_way);
    EXPECT_EQ(budget->statistics().given_way, 0U);
    EXPECT_TRUE(budget->admit(*Address::parse("192.0.2.2")));
    EXPECT_TRUE(second->gave_way);
    EXPECT_FALSE(first->gave_way);
    first->member.tell(false, true);
    EXPECT_TRUE(budget->admit(*Address::parse("192.0.2.2")));  // asked again
}

TEST_F(BudgetTest, NobodysOnlyConnectionMakesRoom) {
    limit({.connections_max = 3});
    std::vector<std::shared_ptr<Connection>> singles;
    for (const auto* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
        singles.push_back(connect(client));
    EXPECT_FALSE(budget->admit(*Address::parse("192.0.2.4")));
    for (const auto& one : singles) EXPECT_FALSE(one->gave_way);
    singles.pop_back();
    EXPECT_TRUE(budget->admit(*Address::parse("192.0.2.4")));
}

TEST_F(BudgetTest, WhatCannotGiveWayIsKeptAndTheNewOneRefused) {
    limit({.connections_max = 2});
    const auto first = connect("192.0.2.1");
    const auto second = connect("192.0.2.1");
    for (const auto& one : {first, second}) one->member.tell(false, false);
    EXPECT_FALSE(budget->admit(*Address::parse("192.0.2.2")));
    EXPECT_FALSE(first->gave_way || second->gave_way);
}

TEST_F(BudgetTest, OneHasTheTurnAtATime) {
    limit({});
    Budget::Turn first{*budget};
    EXPECT_TRUE(first);
    EXPECT_FALSE(Budget::Turn{*budget});
    auto moved = std::move(first);
    EXPECT_FALSE(Budget::Turn{*budget});
    moved.end();
    EXPECT_TRUE(Budget::Turn{*budget});
    EXPECT_TRUE(Budget::Turn{*budget});
}

TEST_F(BudgetTest, KeptMemoryGoesBackWhenNobodyNeedsIt) {
    limit({.bytes_max = 64 * mib});
    auto& blocks = budget->blocks();
    std::vector<BlockPool::Block> taken;
    for (int i = 0; i < 8; ++i) taken.push_back(blocks.take(mib));
    const auto block_bytes = taken.front().size;  // with room for headers
    for (auto& block : taken) blocks.give(std::move(block));
    EXPECT_LE(blocks.kept_bytes(), 6 * mib);  // a part of the ceiling
    EXPECT_GT(blocks.kept_bytes(), 0U);
    const auto pass_some_seconds = [&] {
        for (int second = 0; second < 4; ++second) budget->tidy();
    };
    pass_some_seconds();
    blocks.give(blocks.take(mib));  // one is in use
    pass_some_seconds();
    EXPECT_EQ(blocks.kept_bytes(), block_bytes);
    pass_some_seconds();
    EXPECT_EQ(blocks.kept_bytes(), 0U);
}

TEST_F(BudgetTest, CountsAreRightWhateverThreadsDo) {
    limit({.bytes_max = 64 * mib});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([this, t] {
            for (int i = 0; i < 2000; ++i) {
                const auto client = "192.0.2." + std::to_string((i + t) % 3);
                const auto connection = std::make_shared<Connection>(budget, client);
                connection->member.tell(true, i % 2 == 0);
                Budget::Share share{account(client), 1000};
                share.resize(static_cast<std::size_t>(i));
                budget->relieve(*connection->member.account());
                static_cast<void>(budget->admit(*Address::parse(client)));
            }
        });
    for (auto& thread : threads) thread.join();
    const auto statistics = budget->statistics();
    EXPECT_EQ(statistics.bytes, 0U);
    EXPECT_EQ(statistics.clients, 0U);
    EXPECT_EQ(statistics.connections, 0U);
}

}  // namespace
}  // namespace berth::rpc
