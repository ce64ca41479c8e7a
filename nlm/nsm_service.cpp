#include "nlm/nsm_service.hpp"

namespace berth::nlm::nsm {
namespace {

/// Root of this machine: only root has such ports.
bool is_local_root(const rpc::Call& call) {
    constexpr std::uint16_t reserved_ports_end = 1024;
    return call.caller.address.is_loopback() && call.caller.port < reserved_ports_end;
}

}  // namespace

xdr::Void Service::null(rpc::Call&, const xdr::Void&) {
    return {};
}

// Any client can be monitored: it is known by its address.
StatusResult Service::stat(rpc::Call&, const Name&) {
    return {Outcome::success, recovery_.state()};
}

// To serve it would mean to call, at its word, any program of this machine. A lock manager that
// gets this answer says that it can't lock, rather than lose locks unnoticed.
StatusResult Service::monitor(rpc::Call&, const Monitor::Args&) {
    return {Outcome::failure, recovery_.state()};
}

State Service::unmonitor(rpc::Call&, const Watched&) {
    return {recovery_.state()};
}

State Service::unmonitor_all(rpc::Call&, const Watcher&) {
    return {recovery_.state()};
}

xdr::Void Service::simulate_crash(rpc::Call& call, const xdr::Void&) {
    if (is_local_root(call)) recovery_.simulate_crash();
    return {};
}

xdr::Void Service::notify(rpc::Call& call, const Notify::Args& args) {
    recovery_.restarted(call.caller.address, args.host, args.state);
    return {};
}

constexpr std::array<rpc::Entry<Service>, 7> Service::procedures{
    rpc::on<rpc::Null, &Service::null>(),
    rpc::on<Stat, &Service::stat>(),
    rpc::on<Monitor, &Service::monitor>(),
    rpc::on<Unmonitor, &Service::unmonitor>(),
    rpc::on<UnmonitorAll, &Service::unmonitor_all>(),
    rpc::on<SimulateCrash, &Service::simulate_crash>(),
    rpc::on<Notify, &Service::notify>(),
};

}  // namespace berth::nlm::nsm
