// Looks at the network threads every now and then, and has those replaced that a call blocks.
// Sleeps while no calls come that could.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

namespace berth::rpc::net {

class NetworkThread;

class Watch {
public:
    Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { stop(); }

    /// The threads outlive the watch or its stop().
    void start(std::span<const std::unique_ptr<NetworkThread>> threads);
    void stop();
    /// After a section has been entered. From any thread.
    void be_awake() noexcept {
        if (asleep_.load()) wake();
    }

private:
    void run(std::span<const std::unique_ptr<NetworkThread>> threads);
    void wake() noexcept;

    std::atomic<bool> asleep_{false};
    std::mutex lock_;
    std::condition_variable change_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace berth::rpc::net
