#include "rpc/net/worker_pool.hpp"

#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "rpc/peer_log.hpp"
#include "rpc/threads/start.hpp"

namespace berth::rpc::net {

void WorkerPool::start(const WorkQueue::Limits& limits) {
    const std::scoped_lock held{lock_};
    calls_.emplace(limits);
    add_thread();  // without this one nothing would work
}

void WorkerPool::add_thread() {
    threads_.reserve(threads_.size() + 1);  // a thread that has started must find room
    threads_.push_back(threads::start([this, name = "work-" + std::to_string(threads_.size())] {
        threads::name_this_thread(name);
        work();
    }));
    ++free_;
}

void WorkerPool::submit(Dispatcher& dispatcher, ExchangePtr exchange) {
    bool wakes = false;
    {
        const std::scoped_lock held{lock_};
        if (!calls_) return;
        calls_->add({&dispatcher, std::move(exchange)}, WorkQueue::Clock::now());
        grow();
        wakes = is_one_to_wake();
    }
    if (wakes) something_.notify_one();
}

bool WorkerPool::is_one_to_wake() {
    if (is_waking_ || asleep_ == 0 || !calls_->has_ready()) return false;
    is_waking_ = true;
    return true;
}

void WorkerPool::grow() {
    const bool is_wanted = calls_->waiting() > free_ && threads_.size() < calls_->workers() &&
                           threads_.size() < threads_max_ && !stopping_ && calls_->has_ready();
    if (!is_wanted) return;
    try {
        Batch::give_back();
        add_thread();
    } catch (const std::exception& error) {
        spdlog::warn("can't start more than {} workers: {}", threads_.size(), error.what());
        threads_max_ = threads_.size();
        calls_->limit(threads_max_);
    }
}

void WorkerPool::look() {
    std::vector<WorkQueue::Change> changes;
    {
        const std::scoped_lock held{lock_};
        if (!calls_) return;
        changes = calls_->look(WorkQueue::Clock::now());
        grow();
    }
    if (!changes.empty()) something_.notify_all();
    for (const auto& change : changes) {
        if (change.is_silent)
            spdlog::warn("{}: no call has returned for some time, {} still wait or run; "
                         "further calls that would have to wait are told to retry later",
                         change.place, change.calls);
        else
            spdlog::info("{}: calls return again", change.place);
    }
}

std::size_t WorkerPool::waiting() const {
    const std::scoped_lock held{lock_};
    return calls_ ? calls_->waiting() : 0;
}

std::size_t WorkerPool::silent_places() const {
    const std::scoped_lock held{lock_};
    return calls_ ? calls_->silent_places() : 0;
}

bool WorkerPool::is_idle() const {
    const std::scoped_lock held{lock_};
    return !calls_ || (calls_->waiting() == 0 && calls_->running() == 0);
}

void WorkerPool::stop() {
    {
        const std::scoped_lock held{lock_};
        stopping_ = true;
        if (calls_)
            for (auto& job : calls_->clear()) Dispatcher::give_up(*job.exchange);
    }
    something_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void WorkerPool::run(WorkQueue::Job job) noexcept {
    const auto path = job.exchange->path;
    try {
        if (job.is_late)
            job.dispatcher->finish_late(*job.exchange);
        else
            job.dispatcher->finish(*job.exchange);
        path->deliver(std::move(job.exchange));
    } catch (const std::exception& error) {
        error_often("a reply is lost: {}", error.what());
        path->lose_call();
    }
}

void WorkerPool::work() {
    Batch batch;
    std::unique_lock held{lock_};
    while (!stopping_) {
        while (!stopping_ && !calls_->has_ready()) await_work(held, batch);
        --free_;
        run_all_ready(held);
        ++free_;
    }
}

// Until it is woken, or has to give back what it keeps. Holds the lock on entry and on return.
void WorkerPool::await_work(std::unique_lock<std::mutex>& held, Batch& batch) {
    ++asleep_;
    bool is_idle = false;
    if (batch.keeps())
        is_idle = something_.wait_for(held, Batch::moment) == std::cv_status::timeout;
    else if (batch.owes())
        is_idle = true;
    else
        something_.wait(held);
    --asleep_;
    is_waking_ = false;
    if (!is_idle || calls_->has_ready()) return;
    held.unlock();  // giving back what was kept takes as long as a call
    Batch::give_back();
    held.lock();
}

// Holds the lock on entry and on return.
void WorkerPool::run_all_ready(std::unique_lock<std::mutex>& held) {
    for (auto next = calls_->take(WorkQueue::Clock::now()); next;
         next = calls_->take(WorkQueue::Clock::now())) {
        const bool wakes = is_one_to_wake();
        held.unlock();
        if (wakes) something_.notify_one();
        run(std::move(next->job));
        held.lock();
        calls_->done(next->ticket, WorkQueue::Clock::now());
    }
}

}  // namespace berth::rpc::net
