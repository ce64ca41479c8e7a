// The time after a restart in which locks can only be reclaimed: who had locks before must not find
// them taken. Locks itself.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "nlm/owner.hpp"

namespace berth::nlm {

class Grace {
public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    /// A client does not say when it has reclaimed all it had. It does so lock after lock as soon
    /// as it knows of the restart; so silent for so long, it has.
    static constexpr std::chrono::seconds silence{10};

    /// Not on at all without hosts to wait for.
    Grace(std::chrono::seconds duration, std::vector<Host> awaited, Now now = Clock::now);

    [[nodiscard]] bool is_on();

    /// This host has reclaimed a lock, or has been told of the restart and may do so now.
    void heard_of(const Host& host);
    /// Nothing more is to come from this host: it has restarted itself, or is given up.
    void not_awaited(const Host& host);
    /// Begins anew.
    void begin(std::vector<Host> awaited);

private:
    const std::chrono::seconds duration_;
    const Now now_;
    std::atomic<bool> is_on_{false};
    std::mutex lock_;
    Clock::time_point end_;
    std::map<Host, std::optional<Clock::time_point>> awaited_;  // when last heard of
};

}  // namespace berth::nlm
