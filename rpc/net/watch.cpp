#include "rpc/net/watch.hpp"

#include <chrono>

#include "rpc/net/network_thread.hpp"

namespace berth::rpc::net {

namespace {

// A section that is there at two looks has lasted for this long at least, and twice this at most.
constexpr std::chrono::milliseconds between_looks{1};
constexpr int looks_in_vain_max = 100;

bool look_at_all(std::span<const std::unique_ptr<NetworkThread>> threads) {
    bool any = false;
    for (const auto& thread : threads) any |= thread->look();
    return any;
}

}  // namespace

void Watch::start(std::span<const std::unique_ptr<NetworkThread>> threads) {
    thread_ = std::thread{[this, threads] { run(threads); }};
}

void Watch::stop() {
    {
        const std::scoped_lock held{lock_};
        stopping_ = true;
    }
    change_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Watch::run(std::span<const std::unique_ptr<NetworkThread>> threads) {
    std::unique_lock held{lock_};
    for (int in_vain = 0; !stopping_;) {
        if (in_vain < looks_in_vain_max) {
            change_.wait_for(held, between_looks);
        } else {
            asleep_.store(true);
            // One that was entered before it could know is seen here.
            if (!look_at_all(threads)) change_.wait(held, [this] { return stopping_ || !asleep_; });
            asleep_.store(false);
            in_vain = 0;
        }
        in_vain = look_at_all(threads) ? 0 : in_vain + 1;
    }
}

void Watch::wake() noexcept {
    {
        const std::scoped_lock held{lock_};
        asleep_.store(false);
    }
    change_.notify_all();
}

}  // namespace berth::rpc::net
