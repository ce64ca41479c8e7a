#include "rpc/net/worker_pool.hpp"

#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "rpc/batch.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/threads/background.hpp"

namespace berth::rpc::net {

void WorkerPool::start(const WorkQueue::Limits& limits) {
    const std::scoped_lock held{lock_};
    calls_.emplace(limits);
    add_thread();  // without this one nothing would work
}

void WorkerPool::add_thread() {
    threads_.emplace_back([this, name = "work-" + std::to_string(threads_.size())] {
        threads::name_this_thread(name);
        work();
    });
    ++free_;
}

void WorkerPool::submit(Dispatcher& dispatcher, ExchangePtr exchange) {
    {
        const std::scoped_lock held{lock_};
        if (!calls_) return;
        calls_->add({&dispatcher, std::move(exchange)}, WorkQueue::Clock::now());
        grow();
    }
    something_.notify_one();
}

void WorkerPool::grow() {
    const bool is_wanted = calls_->waiting() > free_ && threads_.size() < calls_->workers() &&
                           threads_.size() < threads_max_ && !stopping_ && calls_->has_ready();
    if (!is_wanted) return;
    try {
        Batch::give_back();
        add_thread();
    } catch (const std::system_error& error) {
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
            spdlog::warn("{}: calls return again", change.place);
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
    try {
        if (job.is_late)
            job.dispatcher->finish_late(*job.exchange);
        else
            job.dispatcher->finish(*job.exchange);
        const auto path = job.exchange->path;
        path->deliver(std::move(job.exchange));
    } catch (const std::exception& error) {
        error_often("a reply is lost: {}", error.what());
    }
}

void WorkerPool::work() {
    std::unique_lock held{lock_};
    while (!stopping_) {
        something_.wait(held, [this] { return stopping_ || calls_->has_ready(); });
        --free_;
        {
            const Batch batch;
            run_all_ready(held);
            held.unlock();  // giving back what was kept takes as long as a call
        }
        held.lock();
        ++free_;
    }
}

// Holds the lock on entry and on return.
void WorkerPool::run_all_ready(std::unique_lock<std::mutex>& held) {
    for (auto next = calls_->take(WorkQueue::Clock::now()); next;
         next = calls_->take(WorkQueue::Clock::now())) {
        if (free_ > 0 && calls_->has_ready()) something_.notify_one();
        held.unlock();
        run(std::move(next->job));
        held.lock();
        calls_->done(next->ticket, WorkQueue::Clock::now());
    }
}

}  // namespace berth::rpc::net
