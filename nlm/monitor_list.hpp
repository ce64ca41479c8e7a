// Which clients hold locks, kept across restarts, so that they can be told when the server has lost
// them; and the server's own state number, which says how often that was (X/Open XNFS chapter 11).
// Locks itself.
#pragma once

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
    std::chrono::steady_clock::time_point used;  ///< by add(); not kept
};

class MonitorList {
public:
    static constexpr std::size_t hosts_max = 4096;

    /// Reads the file, has the state number say that there was a restart, and writes that. Without
    /// a file, nothing survives. What can't be read is lost, and the log says so.
    explicit MonitorList(std::optional<std::filesystem::path> file);

    /// Odd: up.
    [[nodiscard]] std::int32_t state() const;

    /// On disk when this returns; at once when the host is there already. False: too many hosts.
    bool add(Monitored host);
    /// The number that the host gave last; 0 when unknown.
    [[nodiscard]] std::int32_t state_of(const Host& host) const;
    /// Keeps those that hold something, and those added after `since`: a client that locks and
    /// unlocks all the time costs no writing.
    void keep(const std::function<bool(const Host&)>& is_in_use,
              std::chrono::steady_clock::time_point since);

    /// Those that held locks before a restart and have not been told of it.
    [[nodiscard]] std::vector<Monitored> to_notify() const;
    /// This one too is to be told, though it held no locks of ours.
    void owe(const Monitored& host);
    /// Told, or given up.
    void notified(const Host& host);

    /// As a restart does it: a new state number, and everybody is to be told.
    void restart();

private:
    void read();
    void write() const;
    void begin();

    const std::optional<std::filesystem::path> file_;
    mutable std::mutex lock_;
    std::int32_t state_ = -1;
    std::map<Host, Monitored> hosts_;
    std::map<Host, Monitored> to_notify_;
};

}  // namespace berth::nlm
