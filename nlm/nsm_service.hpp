// Program 100024 as a table of procedures. It monitors the clients of this server's own lock
// manager, which uses it directly, and hosts for other programs of this machine. Threads: any
// number.
#pragma once

#include <array>

#include "nlm/nsm_protocol.hpp"
#include "nlm/recovery.hpp"
#include "rpc/program.hpp"

namespace berth::nlm::nsm {

class Service {
public:
    /// Both outlive the service.
    Service(Recovery& recovery, Watches& watches) : recovery_(recovery), watches_(watches) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    StatusResult stat(rpc::Call& call, const Name& host);
    StatusResult monitor(rpc::Call& call, const Monitor::Args& args);
    State unmonitor(rpc::Call& call, const Watched& watched);
    State unmonitor_all(rpc::Call& call, const Watcher& watcher);
    xdr::Void simulate_crash(rpc::Call& call, const xdr::Void& nothing);
    xdr::Void notify(rpc::Call& call, const Notify::Args& args);

    static const std::array<rpc::Entry<Service>, 7> procedures;

private:
    Recovery& recovery_;
    Watches& watches_;
};

}  // namespace berth::nlm::nsm
