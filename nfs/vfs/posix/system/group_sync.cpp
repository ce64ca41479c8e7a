#include "nfs/vfs/posix/system/group_sync.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace berth::vfs::posix {

Result<void> GroupSync::run(Sync what, const Work& work) {
    Waiter me{.what = what};
    {
        const std::lock_guard locked{lock_};
        if (std::exchange(is_led_, true))
            waiting_.push_back(&me);
        else
            me.turn = Turn::to_lead;
    }
    me.turn.wait(Turn::none);
    if (me.turn == Turn::to_return) return me.outcome;
    return lead(what, work);
}

std::size_t GroupSync::waiting() const {
    const std::lock_guard locked{lock_};
    return waiting_.size();
}

Result<void> GroupSync::lead(Sync what, const Work& work) {
    std::vector<Waiter*> round;
    {
        const std::lock_guard locked{lock_};
        round.swap(waiting_);
    }
    const bool all = what == Sync::all ||
                     std::ranges::any_of(round, [](auto* one) { return one->what == Sync::all; });
    const auto outcome = [&]() -> Result<void> {
        try {
            return work(all ? Sync::all : Sync::data);
        } catch (const std::bad_alloc&) {
            return std::errc::not_enough_memory;  // so that the others do not wait for ever
        }
    }();
    hand_on();
    for (Waiter* waiter : round) {
        waiter->outcome = outcome;
        waiter->wake(Turn::to_return);
    }
    return outcome;
}

// Passes the lead to the first waiter, and the others to its round.
void GroupSync::hand_on() {
    const std::lock_guard locked{lock_};
    is_led_ = !waiting_.empty();
    if (!is_led_) return;
    Waiter* const next = waiting_.front();
    waiting_.erase(waiting_.begin());
    next->wake(Turn::to_lead);
}

// The waiter may be destroyed as soon as it has its turn; after that only its address is used.
void GroupSync::Waiter::wake(Turn now) noexcept {
    auto& woken = turn;
    woken.store(now);
    woken.notify_one();
}

}  // namespace berth::vfs::posix
