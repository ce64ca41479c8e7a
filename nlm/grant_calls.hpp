// Tells clients that they now have a lock that they waited for: calls GRANTED at their lock manager
// until they accept or refuse it.
#pragma once

#include <functional>
#include <utility>

#include "nlm/callbacks.hpp"
#include "nlm/lock_table.hpp"

namespace berth::nlm {

class GrantCalls final : public LockEvents {
public:
    /// `contended` may be called from any thread. `callbacks` outlives this.
    GrantCalls(Callbacks& callbacks, std::function<void()> contended)
        : callbacks_(callbacks),
          contended_(std::move(contended)) {}

    void granted(LockTable& table, const Grant& grant) override;
    void contended() override { contended_(); }

private:
    Callbacks& callbacks_;
    const std::function<void()> contended_;
};

}  // namespace berth::nlm
