#include "server/portmapping.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "mount/protocol.hpp"
#include "nfs/service.hpp"
#include "nlm/nsm_protocol.hpp"
#include "nlm/protocol.hpp"
#include "portmap/protocol.hpp"
#include "server/port_owner.hpp"

namespace berth::server {

namespace {

/// Every program version, on every socket that answers it.
std::vector<portmap::Registration>
everything_served(const rpc::Dispatcher& dispatcher,
                  const std::vector<rpc::Server::Binding>& bound) {
    std::vector<portmap::Registration> served;
    for (const auto& program : dispatcher.programs())
        for (const auto& binding : bound)
            served.push_back(
                {.program = program.id.number,
                 .version = program.id.version,
                 .netid = portmap::netid_of(binding.transport, binding.endpoint.address.v6),
                 .at = binding.endpoint});
    return served;
}

/// Explains why another program of this machine is registered in our place; null if that is not a
/// common case.
const char* local_service(std::uint32_t program) {
    if (program == nlm::program_number)
        return "locks: this machine's own lock manager (lockd) is registered with its rpcbind and "
               "in charge; "
               "clients can't lock here, and must mount with nolock";
    if (program == nlm::nsm::id1.number)
        return "locks: this machine's rpc.statd is registered with its rpcbind and in charge of "
               "restart notices; "
               "berth does not hear of clients that restart: stop rpc.statd, or free their locks "
               "with "
               "'berth locks release'";
    return nullptr;
}

/// Whether berth itself answers where this machine's rpcbind would.
bool is_in_rpcbinds_place(const Listening& listening) {
    return std::ranges::any_of(listening.bound, [](const rpc::Server::Binding& binding) {
        const auto& [address, port] = binding.endpoint;
        return port == portmap_port && (address.is_any() || address.is_loopback());
    });
}

bool is_portmapper(const portmap::Registration& registration) {
    return registration.program == portmap::program_number;
}

}  // namespace

Portmapping::Portmapping(PortmapMode mode, rpc::Dispatcher& dispatcher) : mode_(mode) {
    for (auto& program : services_.programs()) {
        own_.add(program);
        dispatcher.add(std::move(program));
    }
}

void Portmapping::begin(const rpc::Dispatcher& dispatcher, const Listening& listening) {
    if (mode_ == PortmapMode::registered && is_in_rpcbinds_place(listening))
        throw UsageError("--portmap register: berth listens on port 111 itself, so there is no "
                         "rpcbind to register with; leave --portmap out, or --listen elsewhere");
    // Clients look for the portmapper on 111; if it answers there, that is its address.
    const bool has_port = take_port(listening);
    const auto served = everything_served(dispatcher, listening.bound);
    for (const auto& registration : served)
        if (!(has_port && is_portmapper(registration))) registry_.add_own(registration);
    // Where it serves everything on port 111, the machine's portmapper is this one.
    const bool may_register =
        mode_ == PortmapMode::registered || (mode_ == PortmapMode::automatic && !is_known_);
    if (may_register) register_with_system(served);
}

// True: port 111 is ours.
bool Portmapping::take_port(const Listening& listening) {
    if (mode_ == PortmapMode::off || mode_ == PortmapMode::registered ||
        listening.port == portmap_port) {
        is_known_ = listening.port == portmap_port;
        return false;
    }
    const auto bound = listen_for_portmap(listening, own_);
    if (bound) {
        for (const auto& registration : everything_served(own_, *bound))
            registry_.add_own(registration);
        is_known_ = true;
        return true;
    }
    const auto reason = bound.error().binding.endpoint.text() + ": " + bound.error().code.message();
    if (mode_ == PortmapMode::embedded) {
        const auto owner = owner_of_port(bound.error().binding);
        const bool may_not = bound.error().code == boost::system::errc::permission_denied;
        throw UsageError("--portmap embedded: can't listen on " + reason +
                         (owner.empty() ? "" : ", by " + owner) +
                         (may_not ? "; ports below 1024 need CAP_NET_BIND_SERVICE" : ""));
    }
    if (bound.error().code != boost::system::errc::address_in_use) in_the_way_ = reason;
    return false;
}

void Portmapping::register_with_system(const std::vector<portmap::Registration>& served) {
    std::string reason;
    registrar_ = portmap::Registrar::connect(reason);
    if (!registrar_) {
        if (mode_ == PortmapMode::registered)
            throw UsageError("--portmap register: can't reach this machine's rpcbind: " + reason);
        spdlog::warn("clients can't ask port 111 and must name the port, as the mount commands do: "
                     "berth can't have it ({}), and no rpcbind answers there ({})",
                     in_the_way_.empty() ? "in use" : in_the_way_, reason);
        return;
    }
    const bool is_first = register_all(served);
    if (is_first) {
        spdlog::info("registered with this machine's rpcbind");
        return;
    }
    registrar_->remove_all();
    if (mode_ == PortmapMode::registered)
        throw UsageError("--portmap register: another NFS server is registered with this "
                         "machine's rpcbind, or rpcbind refuses this user");
    spdlog::warn("clients can't ask port 111 for this server and must name the port, as the mount "
                 "commands do: another NFS server is registered there, or rpcbind refuses this "
                 "user");
}

// False: NFS or MOUNT is not ours there.
bool Portmapping::register_all(const std::vector<portmap::Registration>& served) {
    std::set<std::uint32_t> refused;
    for (const auto& registration : served)
        if (!is_portmapper(registration) && !registrar_->add(registration))
            refused.insert(registration.program);
    is_known_ = !refused.contains(nfs::program.number) && !refused.contains(mount::id3.number);
    if (!is_known_) return false;
    for (const auto program : refused)
        if (const auto* who = local_service(program)) spdlog::warn("{}", who);
    return true;
}

void Portmapping::end() {
    if (registrar_) registrar_->remove_all();
}

}  // namespace berth::server
