// Group commit: callers who ask for the same object to be made durable while that is going on share
// the next round, which one of them leads. One per object; any thread.
#pragma once

#include <condition_variable>
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

    /// Returns after a run of `work` that began after this call did. Everyone who shared the run
    /// gets its outcome. A round does the most that anyone in it asked for.
    Result<void> run(Sync what, const Work& work);

    /// How many wait for the next round.
    [[nodiscard]] std::size_t waiting() const;

private:
    // On the stack of the thread that waits.
    struct Waiter {
        Sync what;
        bool done = false;
        Result<void> outcome{};
    };

    Result<void> lead(std::unique_lock<std::mutex>& locked, const Work& work);

    mutable std::mutex lock_;
    std::condition_variable finished_;
    bool running_ = false;
    std::vector<Waiter*> waiting_;  ///< for the next round
};

}  // namespace berth::vfs::posix
