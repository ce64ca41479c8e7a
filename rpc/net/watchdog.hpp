// Looks at the network threads at short intervals and replaces those that a call blocks. It sleeps
// while there are no calls that could block, except to look at the workers once a second.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>

#include "rpc/threads/background.hpp"

namespace berth::rpc::net {

class NetworkThread;
class WorkerPool;

class Watchdog {
public:
    Watchdog() = default;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() { stop(); }

    /// The threads and the workers must live until stop() or until the watchdog is destroyed.
    void start(std::span<const std::unique_ptr<NetworkThread>> threads, WorkerPool& workers);
    void stop();
    /// To be called after a section has been entered. Any thread.
    void be_awake() noexcept {
        if (asleep_.load()) wake();
    }

private:
    void run(const std::stop_token& stop, std::span<const std::unique_ptr<NetworkThread>> threads,
             WorkerPool& workers);
    void wake() noexcept;

    std::atomic<bool> asleep_{false};
    std::mutex lock_;
    std::condition_variable_any change_;
    threads::Background thread_;
};

}  // namespace berth::rpc::net
