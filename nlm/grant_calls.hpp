// Tells clients that they now have a lock that they waited for: calls GRANTED at their lock manager
// until they accept or refuse it.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "nlm/callbacks.hpp"
#include "nlm/lock_table.hpp"

namespace berth::nlm {

/// What happens to GRANTED otherwise than usually.
struct GrantFate {
    bool is_sent = true;
    bool is_refused = false;  ///< nothing is sent, and the lock is taken back
    unsigned copies = 0;      ///< of each attempt
    std::chrono::nanoseconds delay{0};
};

class GrantCalls final : public LockEvents {
public:
    /// `contended` may be called from any thread. `callbacks` outlives this.
    GrantCalls(Callbacks& callbacks, std::function<void()> contended)
        : callbacks_(callbacks),
          contended_(std::move(contended)) {}

    /// Has this say what happens to each grant. To be called before there are any.
    void decide_by(std::function<GrantFate(const Grant& grant)> fate) { fate_ = std::move(fate); }

    void granted(LockTable& table, const Grant& grant) override;
    void contended() override { contended_(); }

private:
    Callbacks& callbacks_;
    const std::function<void()> contended_;
    std::function<GrantFate(const Grant& grant)> fate_ = [](const Grant&) { return GrantFate{}; };
};

}  // namespace berth::nlm
