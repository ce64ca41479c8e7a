// The time after a restart in which locks can only be reclaimed, so that clients which had locks
// before do not find them taken. Locks itself.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nlm/owner.hpp"

namespace berth::nlm {

class Grace {
public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    /// Clients do not say when they have reclaimed everything. They reclaim lock after lock as soon
    /// as they know of the restart, so a client that was silent for this long is done.
    static constexpr std::chrono::seconds silence{10};

    /// Hosts that may reclaim. `may_lack_some`: unknown hosts may reclaim too.
    struct Awaited {
        std::vector<Host> hosts;
        bool may_lack_some = false;
    };

    /// Not on at all if there is nobody to wait for.
    Grace(std::chrono::seconds duration, Awaited awaited, Now now = Clock::now);

    [[nodiscard]] bool is_on();

    /// This host has reclaimed a lock, or has been told of the restart and may begin to.
    void heard_of(const Host& host);
    /// Nothing more will come from this host: it has restarted, or was given up.
    void not_awaited(const Host& host);
    /// Starts a new grace period.
    void begin(Awaited awaited);
    /// Starts one for everybody, of that length. Zero: there is none any more.
    void impose(std::chrono::seconds duration);

private:
    struct Period {
        Clock::time_point end;
        std::map<Host, std::optional<Clock::time_point>> awaited;  // when last heard of
        bool may_lack_some = false;                                // then only the time ends it

        [[nodiscard]] bool is_anybody_awaited() const { return may_lack_some || !awaited.empty(); }
    };

    const std::chrono::seconds duration_;
    const Now now_;
    std::atomic<bool> is_on_{false};
    boost::synchronized_value<Period, std::mutex> period_;
};

}  // namespace berth::nlm
