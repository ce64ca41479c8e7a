// The calls that wait for a worker, and the order in which they run. A call belongs to a client and
// to a place, which is what it may wait for: a file system, say. No client and no place gets all
// workers, and no client all of a place, however many calls it has: turns go round among the
// places, and within a place among its clients. The queue has no threads and no lock; the pool has
// them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "rpc/dispatcher.hpp"

namespace berth::rpc::net {

class WorkQueue {
public:
    using Clock = std::chrono::steady_clock;

    struct Limits {
        /// Workers that run calls at once; at least 1. Workers held in silent places are replaced,
        /// so there may be twice as many.
        std::size_t workers = 0;
        /// A place is silent when no call has returned from it for this long.
        std::chrono::milliseconds silent_after{10'000};
    };

    struct Job {
        Dispatcher* dispatcher = nullptr;
        ExchangePtr exchange;
        /// The call has waited too long for a silent place: answer it without going there.
        bool is_late = false;
    };

private:
    struct Client;
    struct Place;
    struct Queue;

public:
    /// The shares that one running call takes.
    class Ticket {
    public:
        Ticket() = default;

    private:
        friend class WorkQueue;
        Place* place_ = nullptr;
        Queue* queue_ = nullptr;
    };

    explicit WorkQueue(const Limits& limits) : limits_(limits) {}

    /// Throws std::bad_alloc; then the job is gone and nothing else has changed.
    void add(Job job, Clock::time_point now);
    /// The next call that may run, if there is one. The caller owes done() for it.
    struct Taken {
        Job job;
        Ticket ticket;
    };
    std::optional<Taken> take(Clock::time_point now);
    [[nodiscard]] bool has_ready() const;
    void done(const Ticket& ticket, Clock::time_point now);

    /// To be called about once a second. Finds places that have fallen silent or respond again,
    /// makes the calls that wait for silent ones late, and forgets clients that have no calls.
    struct Change {
        std::string place;
        bool is_silent = false;
        std::size_t calls = 0;  ///< calls to the place that wait or run
    };
    std::vector<Change> look(Clock::time_point now);

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t running() const noexcept { return running_; }
    [[nodiscard]] std::size_t silent_places() const noexcept;
    /// The number that may be busy at the moment.
    [[nodiscard]] std::size_t workers() const noexcept {
        return limits_.workers + std::min(stuck_, limits_.workers);
    }

    /// Sets an upper limit on threads, silent places or not.
    void limit(std::size_t workers) noexcept {
        limits_.workers = std::max<std::size_t>(1, workers);
    }

    /// Removes and returns all waiting calls; the caller gives them up.
    std::vector<Job> clear();

private:
    struct Client {
        std::size_t running = 0;
        std::size_t waiting = 0;
    };
    using InTurn = boost::intrusive::list_base_hook<>;
    struct Queue : InTurn {
        Client* client = nullptr;
        std::size_t running = 0;
        std::deque<Job> jobs;
    };
    struct Place : InTurn {
        const Program* program = nullptr;  ///< the program that can name the place
        std::size_t running = 0;
        std::size_t waiting = 0;
        Clock::time_point heard{};  ///< when a call last returned, or the first one started
        bool is_silent = false;
        bool is_told = false;
        std::map<Client*, Queue> queues;
        boost::intrusive::list<Queue> turns;  ///< clients that have jobs
    };

    /// How many of `workers` one place or client may have.
    [[nodiscard]] std::size_t share_of(std::size_t workers) const noexcept;
    [[nodiscard]] std::size_t share_of(const Place& place) const noexcept;
    [[nodiscard]] bool may_run(const Place& place) const noexcept;
    [[nodiscard]] bool may_run(const Place& place, const Queue& queue) const noexcept;
    void enqueue(Place& place, Client& client, Job job);
    void set_silent(Place& place, bool is_silent) noexcept;
    void make_late(Place& place);
    void forget_idle();

    Limits limits_;
    std::map<Address, Client> clients_;
    std::map<std::uint64_t, Place> places_;
    boost::intrusive::list<Place> turns_;  // places that have jobs
    std::deque<Job> late_;
    std::size_t waiting_ = 0;
    std::size_t running_ = 0;
    std::size_t stuck_ = 0;  // calls that run in silent places
};

}  // namespace berth::rpc::net
