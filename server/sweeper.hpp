// Once a second has the exports let go of what is gone: replaced tables, and the descriptors of
// deleted files, and so their space. A thread of its own, because a disk may keep it waiting.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "nfs/vfs/exports.hpp"

namespace berth::server {

class Sweeper {
public:
    /// They outlive it.
    explicit Sweeper(const vfs::Exports& exports);
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    /// Needs a stop() that gave true, or waits for the thread itself.
    ~Sweeper();

    /// False: it was still busy after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

private:
    void run();

    const vfs::Exports& exports_;
    std::mutex lock_;
    std::condition_variable changed_;
    bool stopping_ = false;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace berth::server
