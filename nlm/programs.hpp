// Programs 100021 and 100024 as a server serves them: one table of locks, the ways to tell clients,
// and the thread that looks after both.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
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

namespace berth::nlm {

struct Options {
    /// Where state number and monitored hosts are kept; without, nothing survives.
    std::optional<std::filesystem::path> state_file;
    /// There is no such file, though there should be one: no client that is to be told of restarts
    /// gets a lock.
    bool lacks_state_file = false;
    std::chrono::seconds grace{45};  ///< 0: none
    LockLimits limits;
    std::string host_name;       ///< by which clients may know this server
    Callbacks::Connect connect;  ///< finds a client's lock manager or status monitor
    Watches::Options watches;    ///< what other programs of this machine want to be told of
};

class Services {
public:
    /// Exports and sealer outlive this.
    Services(const vfs::Exports& exports, const vfs::HandleSealer& sealer, Options options);
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;
    ~Services();

    /// NLM versions 1 to 4, NSM version 1. This outlives them.
    [[nodiscard]] std::vector<rpc::Program> programs();

    /// Once the programs can be reached: tells clients of the restart, and begins to look after
    /// those who wait.
    void start();
    /// After the last call has been answered. False: a callback, or a try to lock, was still under
    /// way after `patience`; then the destructor waits for it.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    [[nodiscard]] LockTable& table() noexcept { return table_; }
    /// For a client that is gone for good: frees what hosts of this name or address hold. Gives how
    /// many locks and shares that were.
    std::size_t release(std::string_view client);

private:
    void look_after();
    /// Who holds nothing any more and was used before then need not be told of a restart.
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

    std::mutex lock_;
    std::condition_variable changed_;
    bool is_contended_ = false;
    bool is_stopping_ = false;
    bool is_keeping_ = false;
    std::thread keeper_;
};

}  // namespace berth::nlm
