// Handles restarts: if the server restarts, its clients are told and get time to reclaim; if a
// client restarts, its locks are freed. Threads: any number.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nlm/callbacks.hpp"
#include "nlm/grace.hpp"
#include "nlm/lock_table.hpp"
#include "nlm/monitor_list.hpp"
#include "nlm/watches.hpp"
#include "rpc/call.hpp"

namespace berth::nlm {

class Recovery {
public:
    /// All outlive this. `host_name`: the name by which clients may know this server.
    Recovery(LockTable& table, MonitorList& monitored, Watches& watches, Grace& grace,
             Callbacks& callbacks, std::string host_name)
        : table_(table),
          monitored_(monitored),
          watches_(watches),
          grace_(grace),
          callbacks_(callbacks),
          host_name_(std::move(host_name)) {}

    /// In the background, tells clients that held locks before the restart and, after a boot, the
    /// hosts that other programs watched. To be called once the server can be reached: clients come
    /// at once.
    void notify_all();

    /// A client says that it has restarted. Only its own address is believed, and what it took from
    /// a reserved port is freed only by a notice from one. A datagram's source can be forged: such
    /// a notice counts only when the status monitor at that address confirms the state number; the
    /// monitor is asked for up to a quarter of an hour.
    void restarted(const rpc::Call& call, std::string_view name, std::int32_t state);

    /// A client says that it no longer has any of its locks. As a datagram this is a restart notice
    /// without a number: locks taken with the state number that its status monitor reports stay,
    /// and so do those taken without one.
    void free_all(const rpc::Call& call, std::string_view name);

    /// Every lock is lost, as if this machine had crashed: other programs must register their
    /// watches again. `cause` is a few words for the log.
    void simulate_crash(std::string_view cause);

    [[nodiscard]] std::int32_t state() const { return monitored_.state(); }

private:
    /// A client's notice that it has restarted.
    struct Notice {
        rpc::Address from;
        rpc::Address local;  ///< the address that it was sent to
        std::string name;
        std::int32_t state = 0;  ///< 0: it gave none
        bool from_reserved_port = false;
    };
    static Notice notice_of(const rpc::Call& call, std::string_view name, std::int32_t state);
    [[nodiscard]] bool concerns_anybody(const Notice& notice) const;
    [[nodiscard]] std::vector<Host> hosts_meant(const Notice& notice) const;
    void confirm(Notice notice);
    [[nodiscard]] bool confirmed(const Notice& notice, rpc::Client& status_monitor);
    void end_confirming(const Notice& notice);
    void act_on(const Notice& notice, bool is_numbered);

    void notify(const Monitored& client);
    void owe(const Watch& watch);

    LockTable& table_;
    MonitorList& monitored_;
    Watches& watches_;
    Grace& grace_;
    Callbacks& callbacks_;
    const std::string host_name_;

    using NamesByAddress = std::multimap<rpc::Address, std::string>;

    boost::synchronized_value<NamesByAddress, std::mutex> being_confirmed_;
};

}  // namespace berth::nlm
