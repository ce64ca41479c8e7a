// What happens to locks when somebody restarts: the server, whose clients are told and given time
// to reclaim; a client, whose locks are freed. Threads: any number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nlm/callbacks.hpp"
#include "nlm/grace.hpp"
#include "nlm/lock_table.hpp"
#include "nlm/monitor_list.hpp"
#include "nlm/watches.hpp"

namespace berth::nlm {

class Recovery {
public:
    /// All outlive this. `host_name`: by which clients may know this server.
    Recovery(LockTable& table, MonitorList& monitored, Watches& watches, Grace& grace,
             Callbacks& callbacks, std::string host_name)
        : table_(table),
          monitored_(monitored),
          watches_(watches),
          grace_(grace),
          callbacks_(callbacks),
          host_name_(std::move(host_name)) {}

    /// Tells those who held locks before the restart, in the background, and after a boot those who
    /// were watched for others. To be called once the server can be reached: they come at once.
    void notify_all();

    /// A client says that it has restarted. Only its own address is believed.
    void restarted(const rpc::Address& from, std::string_view name, std::int32_t state);

    /// Every lock is lost, as in a crash of this machine: others must ask again for what they
    /// watch.
    void simulate_crash();

    [[nodiscard]] std::int32_t state() const { return monitored_.state(); }

private:
    void notify(const Monitored& client);
    void owe(const Watch& watch);

    LockTable& table_;
    MonitorList& monitored_;
    Watches& watches_;
    Grace& grace_;
    Callbacks& callbacks_;
    const std::string host_name_;
};

}  // namespace berth::nlm
