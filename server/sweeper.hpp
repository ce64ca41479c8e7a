// Once a second, lets the exports release what is gone: replaced tables, and descriptors of deleted
// files, which frees their space; and lets the budget return memory that is not needed. It has its
// own threads, because a disk may block one; another then goes on with the other exports.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "nfs/exports/exports.hpp"
#include "rpc/budget.hpp"
#include "rpc/threads/background.hpp"

namespace berth::server {

class Sweeper {
public:
    /// If more exports than this hang, the others are no longer swept.
    static constexpr std::size_t threads_max = 8;

    /// Both outlive the sweeper.
    Sweeper(const exports::Exports& exports, rpc::Budget& budget);
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    /// Waits for the threads, unless stop() has returned true.
    ~Sweeper();

    /// False: a thread was still busy after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

private:
    using Clock = std::chrono::steady_clock;

    void add_thread();
    void run(const std::stop_token& stop, std::size_t number);
    [[nodiscard]] bool is_to_sweep(std::size_t number);
    void sweep_all(std::size_t number);
    void sweep(const std::shared_ptr<vfs::FileSystem>& files);

    const exports::Exports& exports_;
    rpc::Budget& budget_;
    std::condition_variable_any changed_;
    std::mutex lock_;
    // Guarded by lock_:
    std::size_t sweeping_ = 0;                    // the number of the thread that sweeps
    std::optional<Clock::time_point> began_at_;   // with its current file system
    std::set<const vfs::FileSystem*> under_way_;  // swept by that thread and those that hang
    bool is_ending_ = false;                      // no more threads are added
    std::vector<threads::Background> threads_;    // the last one waits to take over
};

}  // namespace berth::server
