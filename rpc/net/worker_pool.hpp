// The threads that run calls which may block. What they finish goes back by the exchange's path.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "rpc/dispatcher.hpp"

namespace berth::rpc::net {

class WorkerPool {
public:
    WorkerPool() = default;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    /// Needs stop() to have been called if it was started.
    ~WorkerPool() = default;

    /// At most so many threads; they are made as calls come that find none free.
    void start(unsigned threads_max);
    /// Has `dispatcher.finish` run on a worker. From any thread. What bounds the queue is what each
    /// connection may have in flight.
    void submit(Dispatcher& dispatcher, ExchangePtr exchange);
    [[nodiscard]] std::size_t waiting() const;
    /// No call waits or runs.
    [[nodiscard]] bool is_idle() const;
    /// Drops what waits; returns when the threads have ended.
    void stop();

private:
    struct Job {
        Dispatcher* dispatcher;
        ExchangePtr exchange;
    };
    void work();
    static void run(Job job) noexcept;
    void add_thread();

    mutable std::mutex lock_;
    std::condition_variable something_;
    std::deque<Job> jobs_;
    std::size_t running_ = 0;
    std::size_t free_ = 0;  // threads that wait for something to do
    std::size_t threads_max_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace berth::rpc::net
