#include "rpc/net/worker_pool.hpp"

#include <exception>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::rpc::net {

void WorkerPool::start(unsigned threads_max) {
    const std::scoped_lock held{lock_};
    threads_max_ = threads_max;
    if (threads_max_ > 0) add_thread();  // the one without which nothing would work
}

void WorkerPool::add_thread() {
    threads_.emplace_back([this] { work(); });
    ++free_;
}

void WorkerPool::submit(Dispatcher& dispatcher, ExchangePtr exchange) {
    {
        const std::scoped_lock held{lock_};
        jobs_.push_back({&dispatcher, std::move(exchange)});
        if (jobs_.size() > free_ && threads_.size() < threads_max_ && !stopping_) {
            try {
                add_thread();
            } catch (const std::system_error& error) {
                spdlog::warn("no more than {} workers: {}", threads_.size(), error.what());
                threads_max_ = threads_.size();
            }
        }
    }
    something_.notify_one();
}

std::size_t WorkerPool::waiting() const {
    const std::scoped_lock held{lock_};
    return jobs_.size();
}

bool WorkerPool::is_idle() const {
    const std::scoped_lock held{lock_};
    return jobs_.empty() && running_ == 0;
}

void WorkerPool::stop() {
    {
        const std::scoped_lock held{lock_};
        stopping_ = true;
        for (auto& job : jobs_) job.dispatcher->give_up(*job.exchange);
        jobs_.clear();
    }
    something_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void WorkerPool::run(Job job) noexcept {
    try {
        job.dispatcher->finish(*job.exchange);
        const auto path = job.exchange->path;
        path->deliver(std::move(job.exchange));
    } catch (const std::exception& error) {
        spdlog::error("a reply is lost: {}", error.what());
    }
}

void WorkerPool::work() {
    std::unique_lock held{lock_};
    for (;;) {
        something_.wait(held, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        --free_;
        ++running_;
        held.unlock();
        run(std::move(job));
        held.lock();
        --running_;
        ++free_;
    }
}

}  // namespace berth::rpc::net
