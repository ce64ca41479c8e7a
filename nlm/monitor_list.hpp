// Which clients hold locks, kept across restarts, so that they can be told when the server has lost
// them; and the server's own state number, which says how often that was (X/Open XNFS chapter 11).
// Locks itself.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nlm/owner.hpp"

namespace berth::nlm {

/// A client, and how it is to be told: from the address that it knows the server by.
struct Monitored {
    Host host;
    rpc::Address local;
    std::int32_t state = 0;  ///< the client's own state number, as its last lock said; not kept
    std::chrono::steady_clock::time_point used;                 ///< by add(); not kept
    std::optional<std::chrono::steady_clock::time_point> told;  ///< of a restart; not kept
};

[[nodiscard]] std::vector<Host> hosts_of(const std::vector<Monitored>& clients);

class MonitorList {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t hosts_max = 4096;
    /// Nobody takes the room of others by many names.
    static constexpr std::size_t address_hosts_max = 256;
    /// A file that has more of them is no file of ours.
    static constexpr std::size_t to_notify_max = 2 * hosts_max;

    /// Reads the file, has the state number say that there was a restart, and writes that. Without
    /// a file, nothing survives. What can't be read is lost, and the log says so.
    explicit MonitorList(std::optional<std::filesystem::path> file);

    /// Odd: up. Waits for no disk.
    [[nodiscard]] std::int32_t state() const noexcept { return state_; }

    /// On disk when this returns; at once when the host is there already. False: too many hosts, in
    /// all or of its address.
    bool add(Monitored host);
    /// The number that the host gave last; 0 when unknown.
    [[nodiscard]] std::int32_t state_of(const Host& host) const;
    /// Keeps those that hold something, those added after `used_since`, so that a client that locks
    /// and unlocks all the time costs no writing, and those told of a restart after `told_since`:
    /// they are about to reclaim.
    void keep(const std::function<bool(const Host&)>& is_in_use, Clock::time_point used_since,
              Clock::time_point told_since);

    /// Those that held locks before a restart and have not been told of it.
    [[nodiscard]] std::vector<Monitored> to_notify() const;
    /// This one too is to be told, though it held no locks of ours.
    void owe(const Monitored& host);
    /// It knows now and reclaims; should the server crash meanwhile, it has to be told again.
    void told(const Host& host);
    /// Given up, or has nothing to reclaim.
    void forget(const Host& host);

    /// As a restart does it: a new state number, and everybody is to be told.
    void restart();

private:
    void read();
    void write() const;
    void begin();

    const std::optional<std::filesystem::path> file_;
    mutable std::mutex lock_;
    std::atomic<std::int32_t> state_ = -1;
    std::map<Host, Monitored> hosts_;
    std::map<Host, Monitored> to_notify_;
};

}  // namespace berth::nlm
