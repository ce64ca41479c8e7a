#include "server/within.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "rpc/threads/start.hpp"

namespace berth::server {
namespace {

constexpr std::size_t threads_max = 32;
std::atomic<std::size_t> threads_running{0};

/// Shared by both threads.
struct Outcome {
    std::condition_variable changed;
    std::mutex lock;
    // Guarded by lock:
    bool is_over = false;
    std::exception_ptr failure;
};

}  // namespace

bool run_within(std::chrono::milliseconds patience, std::function<void()> work) {
    if (threads_running.load() >= threads_max) return false;
    const auto outcome = std::make_shared<Outcome>();
    ++threads_running;
    try {
        threads::start([outcome, work = std::move(work)]() mutable {
            threads::name_this_thread("asks");
            std::exception_ptr failure;
            try {
                work();
            } catch (...) {
                failure = std::current_exception();
            }
            work = {};  // destroyed before the caller relies on that
            --threads_running;
            const std::scoped_lock held{outcome->lock};
            outcome->failure = std::move(failure);
            outcome->is_over = true;
            outcome->changed.notify_all();
        }).detach();
    } catch (...) {
        --threads_running;
        throw;
    }
    std::unique_lock held{outcome->lock};
    if (!outcome->changed.wait_for(held, patience, [&] { return outcome->is_over; })) return false;
    // Moved out of the shared object, so that the exception ends here and not with the last owner.
    if (auto failure = std::exchange(outcome->failure, {}))
        std::rethrow_exception(std::move(failure));
    return true;
}

}  // namespace berth::server
