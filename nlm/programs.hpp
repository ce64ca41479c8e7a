// Programs 100021 and 100024 as a server serves them: one table of locks, the ways to tell clients,
// and the thread that looks after both.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nlm/callbacks.hpp"
#include "nlm/grant_calls.hpp"
#include "nlm/lock_table.hpp"
#include "nlm/locking.hpp"
#include "nlm/monitor_list.hpp"
#include "nlm/nsm_service.hpp"
#include "nlm/recovery.hpp"
#include "nlm/service.hpp"
#include "nlm/watches.hpp"
#include "rpc/threads/background.hpp"

namespace berth::nlm {

struct Options {
    /// Where the state number, monitored hosts and watches are kept; without it nothing survives.
    /// It outlives the services.
    state::Store* state = nullptr;
    /// There should be a store but there is none: a client that must be told of restarts gets no
    /// lock.
    bool lacks_state = false;
    std::chrono::seconds grace{45};  ///< 0: none
    LockLimits limits;
    std::string host_name;       ///< the name by which clients may know this server
    Callbacks::Connect connect;  ///< finds a client's lock manager or status monitor
    Watches::Options watches;    ///< for other programs of this machine
};

class Services {
public:
    /// Exports and sealer outlive this.
    Services(const exports::Exports& exports, const exports::HandleSealer& sealer, Options options);
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;
    ~Services();

    /// NLM versions 1 to 4, NSM version 1. This outlives them.
    [[nodiscard]] std::vector<rpc::Program> programs();

    /// To be called once the programs can be reached: tells clients of the restart, and begins to
    /// look after waiters.
    void start();
    /// To be called after the last call has been answered. False: a callback or a lock attempt was
    /// still running after `patience`; the destructor then waits for it.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    [[nodiscard]] LockTable& table() noexcept { return table_; }
    /// For a client that is gone for good: frees what hosts with this name or address hold. Returns
    /// the number of locks and shares.
    std::size_t release(std::string_view client);

    /// To be called before start().
    void decide_grants_by(std::function<GrantFate(const Grant& grant)> fate) {
        grant_calls_.decide_by(std::move(fate));
    }

    /// As if this machine had crashed and started again: all locks are lost, the state number goes
    /// up, clients are told, and have a grace period to reclaim.
    void crash() { recovery_.simulate_crash("a crash is simulated"); }
    /// Only reclaims are granted from now on, for that long; locks stay. Zero ends it.
    void begin_grace(std::chrono::seconds duration) { grace_.impose(duration); }

private:
    void look_after(const std::stop_token& stop);
    /// Hosts that hold nothing any more and were last used before then need not be told of a
    /// restart.
    void tidy(std::chrono::steady_clock::time_point used_since);

    const Options options_;
    MonitorList monitored_;
    Callbacks callbacks_;
    Watches watches_;
    GrantCalls grant_calls_;
    LockTable table_;
    Grace grace_;
    Recovery recovery_;
    Locking locking_;
    Service<Narrow> narrow_;
    Service<Wide> wide_;
    nsm::Service nsm_;

    std::condition_variable_any changed_;
    std::mutex lock_;
    // Guarded by lock_:
    bool is_contended_ = false;

    threads::Background keeper_;
};

}  // namespace berth::nlm
