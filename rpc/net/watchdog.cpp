#include "rpc/net/watchdog.hpp"

#include <chrono>

#include "rpc/net/network_thread.hpp"
#include "rpc/net/worker_pool.hpp"

namespace berth::rpc::net {

namespace {

using Clock = std::chrono::steady_clock;

// A section seen at two looks has lasted at least this long, and at most twice this long.
constexpr std::chrono::milliseconds between_looks{1};
constexpr int looks_in_vain_max = 100;
constexpr std::chrono::seconds between_looks_at_workers{1};

bool look_at_all(std::span<const std::unique_ptr<NetworkThread>> threads) {
    bool any = false;
    for (const auto& thread : threads) any |= thread->look();
    return any;
}

}  // namespace

void Watchdog::start(std::span<const std::unique_ptr<NetworkThread>> threads, WorkerPool& workers) {
    thread_ = threads::Background{
        "watchdog", [this, threads, &workers](const auto& stop) { run(stop, threads, workers); }};
}

void Watchdog::stop() {
    thread_ = {};
}

void Watchdog::run(const std::stop_token& stop,
                   std::span<const std::unique_ptr<NetworkThread>> threads, WorkerPool& workers) {
    std::unique_lock held{lock_};
    auto next_look_at_workers = Clock::now() + between_looks_at_workers;
    for (int in_vain = 0; !stop.stop_requested();) {
        if (in_vain < looks_in_vain_max) {
            change_.wait_for(held, stop, between_looks, [] { return false; });
        } else {
            asleep_.store(true);
            // This look catches a section that was entered before its thread could see asleep_.
            if (!look_at_all(threads))
                change_.wait_until(held, stop, next_look_at_workers, [this] { return !asleep_; });
            in_vain = asleep_.exchange(false) ? in_vain : 0;
        }
        in_vain = look_at_all(threads) ? 0 : in_vain + 1;
        if (const auto now = Clock::now(); now >= next_look_at_workers) {
            next_look_at_workers = now + between_looks_at_workers;
            workers.look();
        }
    }
}

void Watchdog::wake() noexcept {
    {
        const std::scoped_lock held{lock_};
        asleep_.store(false);
    }
    change_.notify_all();
}

}  // namespace berth::rpc::net
