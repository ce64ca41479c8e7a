// The clients that hold locks, kept across restarts, so that they can be told when the server has
// lost them; and the server's own state number, which counts restarts (X/Open XNFS chapter 11).
// Locks itself.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>
#include <boost/thread/synchronized_value.hpp>

#include "nfs/state/store.hpp"
#include "nlm/owner.hpp"

namespace berth::nlm {

/// A client, and the local address to tell it from: the address that it knows the server by.
struct Monitored {
    Host host;
    rpc::Address local;
    std::int32_t state = 0;  ///< the client's own state number from its last lock; not kept
    std::chrono::steady_clock::time_point used;                 ///< by add(); not kept
    std::optional<std::chrono::steady_clock::time_point> told;  ///< of a restart; not kept
    /// Whether it has called from one at any time since it was added.
    bool from_reserved_port = false;
};

[[nodiscard]] std::vector<Host> hosts_of(const std::vector<Monitored>& clients);

class MonitorList {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t hosts_max = 4096;
    /// Keeps one address from taking all the room with many names.
    static constexpr std::size_t address_hosts_max = 256;
    /// A file with more entries is not ours.
    static constexpr std::size_t to_notify_max = 2 * hosts_max;

    /// Reads `locks`, advances the state number because of the restart, and writes it. Without a
    /// store, which outlives this, nothing survives. Entries that can't be read are lost, and the
    /// log says so. `refuses`: add() refuses every client, because a store is missing that there
    /// should be.
    explicit MonitorList(state::Store* store, bool refuses = false);
    MonitorList(const MonitorList&) = delete;
    MonitorList& operator=(const MonitorList&) = delete;

    /// Whether there may be clients with locks from before the restart that are not in the list,
    /// because the file was damaged. Stays true after the next restart, unless
    /// all_have_reclaimed().
    [[nodiscard]] bool may_lack_hosts() const;
    /// The time in which such clients could reclaim has ended.
    void all_have_reclaimed();

    /// Odd: up. Does not wait for a disk.
    [[nodiscard]] std::int32_t state() const noexcept { return state_; }

    /// While it lives, keep() leaves the host in the list.
    class [[nodiscard]] Stay {
    public:
        Stay(MonitorList& list, Host host) : list_(&list), host_(std::move(host)) {}
        Stay(Stay&& other) noexcept
            : list_(std::exchange(other.list_, nullptr)),
              host_(std::move(other.host_)) {}
        Stay& operator=(Stay&&) = delete;
        Stay(const Stay&) = delete;
        Stay& operator=(const Stay&) = delete;
        ~Stay() {
            if (list_ != nullptr) list_->end_stay(host_);
        }

    private:
        MonitorList* list_;
        Host host_;
    };
    enum class Refusal : std::uint8_t {
        too_many,  ///< hosts, in total or at its address
        not_kept   ///< the file can't be written; the log says why
    };

    /// On disk on return, where the next start will look for it; returns at once if the host is
    /// there already. Without a store it is only in memory.
    boost::system::result<Stay, Refusal> add(Monitored host);
    /// The state number that the host gave last; 0 if unknown.
    [[nodiscard]] std::int32_t state_of(const Host& host) const;
    /// Whether this host may reclaim what was held before the restart. Holders are known by
    /// address; from a reserved port also by name alone, because a host with several addresses may
    /// call from any. While unknown holders are possible, every host may. Locks held from a
    /// reserved port of an address are reclaimed only from such a port.
    [[nodiscard]] bool may_reclaim(const Host& host, bool from_reserved_port) const;
    /// Keeps hosts that hold something; those added after `used_since`, so that a client that locks
    /// and unlocks all the time causes no writes; and those told of a restart after `told_since`,
    /// because they are about to reclaim.
    void keep(const std::function<bool(const Host&)>& is_in_use, Clock::time_point used_since,
              Clock::time_point told_since);

    /// Hosts that held locks before a restart and have not been told of it.
    [[nodiscard]] std::vector<Monitored> to_notify() const;
    /// This host must be told too, though it held no locks of ours.
    void owe(const Monitored& host);
    /// The host knows now and reclaims; if the server crashes meanwhile, it must be told again.
    void told(const Host& host);
    /// The host was given up, or has nothing to reclaim.
    void forget(const Host& host);

    /// Acts as for a restart: a new state number, and all hosts must be told.
    void restart();

private:
    struct Entry {
        Monitored host;
        unsigned stays = 0;
    };
    struct Clients {
        std::map<Host, Entry> hosts;
        std::map<Host, Monitored> to_notify;
        // From before the restart:
        std::set<rpc::Address> reserved;  // whose locks were root's
        std::set<rpc::Address> addresses;
        std::set<std::string> names;
        bool may_lack_hosts = false;

        [[nodiscard]] bool has_room_for(const Host& host) const;
    };

    using Change = state::Store::Change;

    void read(Clients& clients);
    Change begin(Clients& clients);
    void end_stay(const Host& host);
    Change put(const Monitored& client);
    /// Erases it unless another reason keeps it in the list.
    Change erase(const Clients& clients, const Host& host);
    void wait_for(Change change);

    const bool refuses_;
    std::atomic<std::int32_t> state_ = -1;
    boost::synchronized_value<Clients, std::mutex> clients_;
    std::optional<state::Store::File> file_;
};

}  // namespace berth::nlm
