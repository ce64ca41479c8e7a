#include "nlm/nsm_service.hpp"

#include <string>

namespace berth::nlm::nsm {
namespace {

WatcherId watcher_of(const Watcher& watcher) {
    return {.name = std::string{watcher.name.view()},
            .program = static_cast<std::uint32_t>(watcher.program),
            .version = static_cast<std::uint32_t>(watcher.version),
            .procedure = static_cast<std::uint32_t>(watcher.procedure)};
}

}  // namespace

xdr::Void Service::null(rpc::Call&, const xdr::Void&) {
    return {};
}

// Any client can be monitored: its address identifies it.
StatusResult Service::stat(rpc::Call&, const Name&) {
    return {Outcome::success, recovery_.state()};
}

// The caller has a program of this machine called. So only this machine may call it, and the call
// back has no more privilege than the caller's port has.
StatusResult Service::monitor(rpc::Call& call, const Monitor::Args& args) {
    const bool is_added = call.caller.address.is_loopback() &&
                          watches_.add({.host = std::string{args.watched.host.view()},
                                        .addresses = {},
                                        .watcher = watcher_of(args.watched.watcher),
                                        .cookie = args.cookie,
                                        .from = call.caller.address,
                                        .transport = call.transport,
                                        .from_reserved_port = call.caller.has_reserved_port(),
                                        .told = {}});
    return {is_added ? Outcome::success : Outcome::failure, recovery_.state()};
}

State Service::unmonitor(rpc::Call& call, const Watched& watched) {
    if (call.caller.address.is_loopback())
        watches_.remove(watched.host, watcher_of(watched.watcher), call.caller.has_reserved_port());
    return {recovery_.state()};
}

State Service::unmonitor_all(rpc::Call& call, const Watcher& watcher) {
    if (call.caller.address.is_loopback())
        watches_.remove_all(watcher_of(watcher), call.caller.has_reserved_port());
    return {recovery_.state()};
}

xdr::Void Service::simulate_crash(rpc::Call& call, const xdr::Void&) {
    if (call.caller.address.is_loopback() && call.caller.has_reserved_port())
        recovery_.simulate_crash("SM_SIMU_CRASH received");
    return {};
}

xdr::Void Service::notify(rpc::Call& call, const Notify::Args& args) {
    recovery_.restarted(call, args.host, args.state);
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
