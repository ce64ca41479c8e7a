// The threads that run calls which may block. A finished call goes back along its exchange's path.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "rpc/batch.hpp"
#include "rpc/dispatcher.hpp"
#include "rpc/net/work_queue.hpp"

namespace berth::rpc::net {

class WorkerPool {
public:
    WorkerPool() = default;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    /// Needs stop() to have been called if it was started.
    ~WorkerPool() = default;

    /// At most as many threads as workers are allowed; they are made as calls come that find none
    /// free.
    void start(const WorkQueue::Limits& limits);
    /// Has a worker call `dispatcher.finish`. Any thread. The limits on calls in flight of each
    /// connection bound the queue.
    void submit(Dispatcher& dispatcher, ExchangePtr exchange);
    /// To be called about once a second: see WorkQueue::look.
    void look();
    [[nodiscard]] std::size_t waiting() const;
    /// Places from which no call has returned for some time.
    [[nodiscard]] std::size_t silent_places() const;
    /// Whether no call waits or runs.
    [[nodiscard]] bool is_idle() const;
    /// Drops waiting calls; returns when the threads have ended.
    void stop();

private:
    void work();
    void await_work(std::unique_lock<std::mutex>& held, Batch& batch);
    void run_all_ready(std::unique_lock<std::mutex>& held);
    static void run(WorkQueue::Job job) noexcept;
    void add_thread();
    /// Adds a thread if there is work for it. Needs the lock.
    void grow();
    /// Whether to wake a thread now. Needs the lock. One is woken at a time: it takes a call, and
    /// wakes the next if there are more. A thread for each call would cost more than short calls
    /// do, and find them taken by threads that were awake.
    [[nodiscard]] bool is_one_to_wake();

    std::condition_variable something_;
    mutable std::mutex lock_;
    // Guarded by lock_:
    std::optional<WorkQueue> calls_;
    std::size_t free_ = 0;    // threads that wait for work, or will as soon as they run
    std::size_t asleep_ = 0;  // those of them that a notification wakes
    bool is_waking_ = false;  // one of those has been notified, and does not run yet
    std::size_t threads_max_ = std::numeric_limits<std::size_t>::max();  // what the system gives
    bool stopping_ = false;
    std::vector<std::thread> threads_;  // once stopping_, only stop() uses them
};

}  // namespace berth::rpc::net
