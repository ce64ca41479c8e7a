// Whose call a worker takes next, and what is left to the others when one place or one client has
// more calls than there are workers.
#include "rpc/net/work_queue.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace berth::rpc::net {
namespace {

/// A call says where it goes by its port: no arguments need be made up.
struct Service {
    static constexpr bool knows_later = true;
    xdr::Void go(Call& /*call*/, const xdr::Void& args) { return args; }
    [[nodiscard]] std::uint64_t place_of(const Call& call, const xdr::Void& /*args*/) const {
        return call.caller.port;
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return "place " + std::to_string(place);
    }
    static constexpr ProcedureId id{1, "GO", Replay::execute, Runs::on_worker};
    struct Go {
        static constexpr ProcedureId id = Service::id;
        using Args = xdr::Void;
        using Result = xdr::Void;
    };
    static const std::array<Entry<Service>, 1> procedures;
};
constexpr std::array<Entry<Service>, 1> Service::procedures{on<Service::Go, &Service::go>()};

class WorkQueues : public ::testing::Test {
protected:
    using Clock = WorkQueue::Clock;

    void begin(std::size_t workers) {
        queue.emplace(WorkQueue::Limits{.workers = workers, .silent_after = silent_after});
    }
    void add(std::uint16_t place, const std::string& client = "192.0.2.1", int calls = 1) {
        for (; calls > 0; --calls) {
            auto exchange = std::make_unique<Exchange>();
            exchange->call.caller = {.address = *Address::parse(client), .port = place};
            exchange->program = &program;
            exchange->procedure = &program.procedures[1];
            queue->add({.dispatcher = nullptr, .exchange = std::move(exchange)}, now);
        }
    }
    /// The place of the next call, or -1; a call that is late says 0.
    int take() {
        auto taken = queue->take(now);
        if (!taken) return -1;
        const auto& caller = taken->job.exchange->call.caller;
        clients.push_back(caller.address.text());
        if (taken->job.is_late) {
            queue->done(taken->ticket, now);
            return 0;
        }
        running[caller.port].push_back(taken->ticket);
        return caller.port;
    }
    /// How many of each place can be taken until no more may.
    std::map<int, int> take_all() {
        std::map<int, int> taken;
        for (int place = take(); place >= 0; place = take()) ++taken[place];
        EXPECT_FALSE(queue->has_ready());
        return taken;
    }
    void finish(int place) {
        queue->done(running[place].back(), now);
        running[place].pop_back();
    }

    static constexpr std::chrono::milliseconds silent_after{10'000};
    Service service;
    Program program = make_program({200000, 1, "PLACES"}, service);
    Clock::time_point now{std::chrono::hours{1}};
    std::optional<WorkQueue> queue;
    std::map<int, std::vector<WorkQueue::Ticket>> running;
    std::vector<std::string> clients;
};

TEST_F(WorkQueues, CallsOfOneClientToOnePlaceGoInTheirOrder) {
    begin(4);
    EXPECT_FALSE(queue->has_ready());
    EXPECT_EQ(take(), -1);
    add(1);
    EXPECT_TRUE(queue->has_ready());
    EXPECT_EQ(queue->waiting(), 1U);
    EXPECT_EQ(take(), 1);
    EXPECT_EQ(queue->waiting(), 0U);
    EXPECT_EQ(queue->running(), 1U);
    finish(1);
    EXPECT_EQ(queue->running(), 0U);
}

TEST_F(WorkQueues, OneWorkerServesEverybodyInTurn) {
    begin(1);
    add(1, "192.0.2.1", 3);
    add(2, "192.0.2.2", 3);
    add(3, "192.0.2.3", 1);
    std::vector<int> order;
    for (int n = 0; n < 7; ++n) {
        order.push_back(take());
        EXPECT_EQ(take(), -1) << "the worker has something to do";
        finish(order.back());
    }
    EXPECT_EQ(order, (std::vector{1, 2, 3, 1, 2, 1, 2}));
}

TEST_F(WorkQueues, ClientsOfAPlaceAreServedInTurn) {
    begin(1);
    add(1, "192.0.2.1", 100);
    add(1, "192.0.2.2", 2);
    for (int n = 0; n < 4; ++n) {
        ASSERT_EQ(take(), 1);
        finish(1);
    }
    EXPECT_EQ(clients,
              (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"}));
}

TEST_F(WorkQueues, APlaceLeavesAThirdOfTheWorkersToOthers) {
    begin(96);
    for (int client = 0; client < 20; ++client) add(1, "192.0.2." + std::to_string(client + 1), 50);
    EXPECT_EQ(take_all(), (std::map<int, int>{{1, 64}}));
    for (int client = 0; client < 20; ++client) add(2, "192.0.2." + std::to_string(client + 1), 50);
    EXPECT_EQ(take_all(), (std::map<int, int>{{2, 22}}));
    add(3);
    EXPECT_EQ(take(), 3);
    for (int n = 0; n < 10; ++n) finish(1);
    EXPECT_EQ(take(), 2) << "those that end make room for others";
}

TEST_F(WorkQueues, AClientLeavesSomeOfAPlaceToOthers) {
    for (const std::size_t workers : {4, 8, 96}) {
        begin(workers);
        running.clear();
        add(1, "192.0.2.1", 500);
        EXPECT_GE(take_all()[1], static_cast<int>(workers) / 2) << workers;
        clients.clear();
        add(1, "192.0.2.2", 500);
        add(1, "192.0.2.1", 500);
        const auto more = take_all()[1];
        EXPECT_GE(more, workers == 96 ? 8 : 1) << workers << ": the calls of the other all hang";
        EXPECT_GE(std::ranges::count(clients, "192.0.2.2"), more - 1) << workers;
    }
}

TEST_F(WorkQueues, AClientLeavesAThirdOfTheWorkersToOthers) {
    begin(96);
    for (std::uint16_t place = 1; place <= 10; ++place) add(place, "192.0.2.1", 50);
    int of_first = 0;
    for (const auto& [place, calls] : take_all()) of_first += calls;
    EXPECT_EQ(of_first, 64);
    add(1, "192.0.2.2");
    EXPECT_EQ(take(), 1);
    EXPECT_EQ(clients.back(), "192.0.2.2");
}

TEST_F(WorkQueues, WorkersInSilentPlacesAreReplaced) {
    begin(96);
    for (std::uint16_t place = 1; place <= 8; ++place)
        add(place, "192.0.2." + std::to_string(place), 100);
    take_all();
    const auto stuck = queue->running();
    EXPECT_GT(stuck, 85U);
    now += silent_after;
    EXPECT_GT(queue->look(now).size(), 4U);
    EXPECT_EQ(queue->workers(), 96U + stuck);
    while (take() == 0) continue;
    for (int client = 100; client < 110; ++client) add(9, "192.0.2." + std::to_string(client), 100);
    EXPECT_GE(take_all()[9], 60);
    finish(1);
    EXPECT_LT(queue->workers(), 96U + stuck);
    EXPECT_EQ(take(), -1) << "whoever speaks again counts as before";
}

TEST_F(WorkQueues, WithTwoWorkersNoPlaceTakesBoth) {
    begin(2);
    add(1, "192.0.2.1", 5);
    EXPECT_EQ(take_all(), (std::map<int, int>{{1, 1}}));
    add(2, "192.0.2.2");
    EXPECT_EQ(take(), 2);
}

TEST_F(WorkQueues, WhoeverWaitsForASilentPlaceIsLate) {
    begin(4);
    add(1, "192.0.2.1", 5);
    add(2, "192.0.2.2", 1);
    EXPECT_EQ(take_all(), (std::map<int, int>{{1, 2}, {2, 1}}));
    now += silent_after - std::chrono::milliseconds{1};
    EXPECT_TRUE(queue->look(now).empty());
    EXPECT_EQ(queue->silent_places(), 0U);
    finish(2);
    now += std::chrono::milliseconds{1};
    const auto changes = queue->look(now);
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].place, "place 1");
    EXPECT_TRUE(changes[0].is_silent);
    EXPECT_EQ(changes[0].calls, 2U);
    EXPECT_EQ(queue->silent_places(), 1U);
    EXPECT_TRUE(queue->look(now).empty()) << "once is enough";
    for (int n = 0; n < 3; ++n) EXPECT_EQ(take(), 0);
    EXPECT_EQ(queue->waiting(), 0U);
    add(1, "192.0.2.3");
    EXPECT_EQ(take(), 1) << "it has a worker to try it with";
    add(1, "192.0.2.3");
    EXPECT_EQ(take(), 0) << "it would have to wait";
    finish(1);
    EXPECT_EQ(queue->silent_places(), 0U);
    const auto speaks = queue->look(now);
    ASSERT_EQ(speaks.size(), 1U);
    EXPECT_FALSE(speaks[0].is_silent);
}

TEST_F(WorkQueues, ASilentPlaceIsTriedWhileItLeavesWorkersFree) {
    begin(4);
    add(1);
    EXPECT_EQ(take(), 1);
    now += silent_after;
    EXPECT_EQ(queue->look(now).size(), 1U);
    add(1);
    EXPECT_EQ(take(), 1);
}

TEST_F(WorkQueues, ProgramsWithoutAWordForLaterWait) {
    program.knows_later = false;
    begin(2);
    add(1, "192.0.2.1", 3);
    EXPECT_EQ(take_all(), (std::map<int, int>{{1, 1}}));
    now += silent_after;
    EXPECT_EQ(queue->look(now).size(), 1U);
    EXPECT_EQ(take(), -1);
    EXPECT_EQ(queue->waiting(), 2U);
    finish(1);
    EXPECT_EQ(take(), 1);
}

TEST_F(WorkQueues, CallsThatGoNowhereNeverFallSilent) {
    begin(2);
    add(0, "192.0.2.1", 3);
    EXPECT_EQ(take(), 0);
    now += 2 * silent_after;
    EXPECT_TRUE(queue->look(now).empty());
    EXPECT_EQ(queue->waiting(), 2U);
}

TEST_F(WorkQueues, ForgetsWhoHasNothingToDo) {
    begin(2);
    for (std::uint16_t n = 1; n <= 1000; ++n) {
        add(n, "10.0." + std::to_string(n / 250) + "." + std::to_string(n % 250));
        ASSERT_EQ(take(), n);
        if (n % 100 == 0) {
            EXPECT_TRUE(queue->look(now).empty());
        }
        finish(n);
    }
    EXPECT_TRUE(queue->look(now).empty());
    add(1);
    EXPECT_EQ(take(), 1);
}

TEST_F(WorkQueues, WhatIsClearedIsGivenToTheCaller) {
    begin(2);
    add(1, "192.0.2.1", 3);
    add(2, "192.0.2.2", 2);
    EXPECT_EQ(take_all(), (std::map<int, int>{{1, 1}, {2, 1}}));
    EXPECT_EQ(queue->clear().size(), 3U);
    EXPECT_EQ(queue->waiting(), 0U);
    EXPECT_FALSE(queue->has_ready());
    finish(1);
    finish(2);
    EXPECT_EQ(queue->running(), 0U);
}

}  // namespace
}  // namespace berth::rpc::net
