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
bool WorkQueue::may_run(const Place& place) const noexcept {
    return place.running < share_of(place.is_silent ? limits_.workers : workers());
}

bool WorkQueue::may_run(const Client& client) const noexcept {
    return client.running < share_of(workers());
}

void WorkQueue::add(Job job, Clock::time_point now) {
    const auto number = place_of(*job.exchange);
    auto& place = places_[number];
    if (place.program == nullptr) place.program = job.exchange->program;
    const bool can_be_late = job.exchange->program->knows_later;
    if (place.is_silent && can_be_late && (place.waiting > 0 || !may_run(place))) {
        job.is_late = true;
        late_.push_back(std::move(job));
        ++waiting_;
        return;
    }
    auto& client = clients_[job.exchange->call.caller.address];
    auto& queue = place.queues[&client];
    queue.client = &client;
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
    const auto has_client = [this](const Queue& queue) { return may_run(*queue.client); };
    Queue* queue = nullptr;
    auto* place = rotate_to(turns_, [&](Place& each) {
        if (may_run(each)) queue = rotate_to(each.turns, has_client);
        return queue != nullptr;
    });
    if (place == nullptr) return {};
    Taken taken{std::move(queue->jobs.front()), {}};
    taken.ticket.place_ = place;
    taken.ticket.client_ = queue->client;
    queue->jobs.pop_front();
    if (queue->jobs.empty()) place->turns.pop_back();
    if (--place->waiting == 0) turns_.pop_back();
    --queue->client->waiting;
    ++queue->client->running;
    if (place->running++ == 0) place->heard = now;
    if (place->is_silent) ++stuck_;
    --waiting_;
    ++running_;
    return taken;
}

bool WorkQueue::has_ready() const {
    if (!late_.empty()) return true;
    return std::ranges::any_of(turns_, [this](const Place& place) {
        return may_run(place) && std::ranges::any_of(place.turns, [this](const Queue& queue) {
                   return may_run(*queue.client);
               });
    });
}

void WorkQueue::done(const Ticket& ticket, Clock::time_point now) {
    --running_;
    if (ticket.place_ == nullptr) return;
    set_silent(*ticket.place_, false);
    --ticket.place_->running;
    --ticket.client_->running;
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
        std::erase_if(place.queues, [](const auto& each) { return each.second.jobs.empty(); });
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
