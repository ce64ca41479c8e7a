#include "rpc/net/work_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth::rpc::net {
namespace {

std::uint64_t place_of(const Exchange& exchange) {
    const auto find = exchange.procedure->place_of;
    return find == nullptr ? Program::nowhere
                           : find(exchange.program->service, exchange.call, exchange.arguments);
}

/// Moves the first element that may run to the back, and returns it; null if there is none.
template <class List, class May>
typename List::value_type* rotate_to(List& turns, May may) {
    const auto found = std::ranges::find_if(turns, may);
    if (found == turns.end()) return nullptr;
    turns.splice(turns.end(), turns, found);
    return &turns.back();
}

}  // namespace

// Twice what is still free: the second one finds a third of the workers, the next a third of those.
// However many calls hang, some workers are left.
std::size_t WorkQueue::share_of(std::size_t workers) const noexcept {
    if (running_ >= workers) return 0;
    return std::max<std::size_t>(1, std::min(2 * (workers - running_), limits_.workers - 1));
}

// A silent place gets none of the workers that stand in for those that it holds.
std::size_t WorkQueue::share_of(const Place& place) const noexcept {
    return share_of(place.is_silent ? limits_.workers : workers());
}

bool WorkQueue::may_run(const Place& place) const noexcept {
    return place.running < share_of(place);
}

// To be asked of a place that may run. Of its share, a client takes as places do of all workers:
// the calls of one that all hang leave some to the others.
bool WorkQueue::may_run(const Place& place, const Queue& queue) const noexcept {
    return queue.client->running < share_of(workers()) &&
           queue.running < 2 * (share_of(place) - place.running);
}

void WorkQueue::add(Job job, Clock::time_point now) {
    const auto number = place_of(*job.exchange);
    auto& place = places_[number];
    if (place.program == nullptr) place.program = job.exchange->program;
    auto& client = clients_[job.exchange->call.caller.address];
    auto& queue = place.queues[&client];
    queue.client = &client;
    const bool must_wait = place.waiting > 0 || !may_run(place) || !may_run(place, queue);
    if (place.is_silent && must_wait && job.exchange->program->knows_later) {
        job.is_late = true;
        late_.push_back(std::move(job));
        ++waiting_;
        return;
    }
    queue.jobs.push_back(std::move(job));
    if (queue.jobs.size() == 1) place.turns.push_back(queue);
    if (place.running + place.waiting == 0) place.heard = now;
    if (place.waiting++ == 0) turns_.push_back(place);
    ++client.waiting;
    ++waiting_;
}

std::optional<WorkQueue::Taken> WorkQueue::take(Clock::time_point now) {
    if (!late_.empty()) {
        Taken taken{std::move(late_.front()), {}};
        late_.pop_front();
        --waiting_;
        ++running_;
        return taken;
    }
    Queue* queue = nullptr;
    auto* place = rotate_to(turns_, [&](Place& each) {
        const auto may = [&](const Queue& one) { return may_run(each, one); };
        if (may_run(each)) queue = rotate_to(each.turns, may);
        return queue != nullptr;
    });
    if (place == nullptr) return {};
    Taken taken{std::move(queue->jobs.front()), {}};
    taken.ticket.place_ = place;
    taken.ticket.queue_ = queue;
    queue->jobs.pop_front();
    if (queue->jobs.empty()) place->turns.pop_back();
    if (--place->waiting == 0) turns_.pop_back();
    --queue->client->waiting;
    ++queue->client->running;
    ++queue->running;
    if (place->running++ == 0) place->heard = now;
    if (place->is_silent) ++stuck_;
    --waiting_;
    ++running_;
    return taken;
}

bool WorkQueue::has_ready() const {
    if (!late_.empty()) return true;
    return std::ranges::any_of(turns_, [this](const Place& place) {
        return may_run(place) && std::ranges::any_of(place.turns, [&](const Queue& queue) {
                   return may_run(place, queue);
               });
    });
}

void WorkQueue::done(const Ticket& ticket, Clock::time_point now) {
    --running_;
    if (ticket.place_ == nullptr) return;
    set_silent(*ticket.place_, false);
    --ticket.place_->running;
    --ticket.queue_->running;
    --ticket.queue_->client->running;
    ticket.place_->heard = now;
}

void WorkQueue::set_silent(Place& place, bool is_silent) noexcept {
    if (std::exchange(place.is_silent, is_silent) == is_silent) return;
    if (is_silent)
        stuck_ += place.running;
    else
        stuck_ -= place.running;
}

std::vector<WorkQueue::Change> WorkQueue::look(Clock::time_point now) {
    std::vector<Change> changes;
    for (auto& [number, place] : places_) {
        const bool is_silent = number != Program::nowhere && place.running > 0 &&
                               now - place.heard >= limits_.silent_after;
        set_silent(place, is_silent);
        if (is_silent) make_late(place);
        if (std::exchange(place.is_told, is_silent) == is_silent) continue;
        changes.push_back({.place = place.program->name_of(number),
                           .is_silent = is_silent,
                           .calls = place.running});
    }
    forget_idle();
    return changes;
}

void WorkQueue::make_late(Place& place) {
    for (auto queue = place.turns.begin(); queue != place.turns.end();) {
        while (!queue->jobs.empty() && queue->jobs.front().exchange->program->knows_later) {
            auto& job = late_.emplace_back(std::move(queue->jobs.front()));
            job.is_late = true;
            queue->jobs.pop_front();
            --queue->client->waiting;
            --place.waiting;
        }
        queue = queue->jobs.empty() ? place.turns.erase(queue) : std::next(queue);
    }
    if (place.waiting == 0 && place.is_linked()) turns_.erase(turns_.iterator_to(place));
}

void WorkQueue::forget_idle() {
    constexpr std::size_t idle_kept = 64;
    if (clients_.size() <= idle_kept && places_.size() <= idle_kept) return;
    for (auto& [number, place] : places_)
        std::erase_if(place.queues, [](const auto& each) {
            return each.second.jobs.empty() && each.second.running == 0;
        });
    const auto is_idle = [](const auto& each) {
        return each.second.running == 0 && each.second.waiting == 0;
    };
    std::erase_if(clients_, is_idle);
    std::erase_if(places_, [&](const auto& each) { return is_idle(each) && !each.second.is_told; });
}

std::size_t WorkQueue::silent_places() const noexcept {
    return static_cast<std::size_t>(
        std::ranges::count_if(places_, [](const auto& each) { return each.second.is_silent; }));
}

std::vector<WorkQueue::Job> WorkQueue::clear() {
    std::vector<Job> jobs;
    std::ranges::move(late_, std::back_inserter(jobs));
    late_.clear();
    for (auto& place : turns_) {
        for (auto& queue : place.turns) {
            std::ranges::move(queue.jobs, std::back_inserter(jobs));
            queue.client->waiting -= queue.jobs.size();
            queue.jobs.clear();
        }
        place.turns.clear();
        place.waiting = 0;
    }
    turns_.clear();
    waiting_ = 0;
    return jobs;
}

}  // namespace berth::rpc::net
