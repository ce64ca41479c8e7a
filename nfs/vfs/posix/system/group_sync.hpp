// Group commit: callers that want the same object made durable while a round is running share the
// next round, which one of them leads. One per object; any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class GroupSync {
public:
    using Work = std::function<Result<void>(Sync)>;

    /// Returns after a run of `work` that began after this call did. All callers that shared the
    /// run get its outcome. A round does the most that any of them asked for.
    Result<void> run(Sync what, const Work& work);

    /// How many callers wait for the next round.
    [[nodiscard]] std::size_t waiting() const;

private:
    enum class Turn : int { none, to_lead, to_return };
    // On the stack of the waiting thread, and woken individually: threads that wait for the next
    // round sleep on when this one ends.
    struct Waiter {
        Sync what;
        Result<void> outcome{};  // written before `turn`
        std::atomic<Turn> turn{Turn::none};
        void wake(Turn now) noexcept;
    };

    Result<void> lead(Sync what, const Work& work);
    void hand_on();

    mutable std::mutex lock_;
    // Guarded by lock_:
    bool is_led_ = false;           ///< a round runs, or someone has been told to lead one
    std::vector<Waiter*> waiting_;  ///< for the next round
};

}  // namespace berth::vfs::posix
