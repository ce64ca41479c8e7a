#include "nfs/vfs/posix/group_sync.hpp"

#include <algorithm>
#include <utility>

namespace berth::vfs::posix {

Result<void> GroupSync::run(Sync what, const Work& work) {
    Waiter me{.what = what};
    std::unique_lock locked{lock_};
    waiting_.push_back(&me);
    finished_.wait(locked, [&] { return me.done || !running_; });
    if (me.done) return me.outcome;
    return lead(locked, work);
}

std::size_t GroupSync::waiting() const {
    const std::lock_guard locked{lock_};
    return waiting_.size();
}

Result<void> GroupSync::lead(std::unique_lock<std::mutex>& locked, const Work& work) {
    const auto round = std::exchange(waiting_, {});  // the leader itself is among them
    const bool all = std::ranges::any_of(round, [](auto* one) { return one->what == Sync::all; });
    running_ = true;
    locked.unlock();
    const auto outcome = work(all ? Sync::all : Sync::data);
    locked.lock();
    running_ = false;
    for (Waiter* waiter : round) {
        waiter->outcome = outcome;
        waiter->done = true;
    }
    finished_.notify_all();
    return outcome;
}

}  // namespace berth::vfs::posix
