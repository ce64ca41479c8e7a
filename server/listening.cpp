#include "server/listening.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string>

#include <spdlog/spdlog.h>

#include "server/port_owner.hpp"

namespace berth::server {

namespace {

using Bindings = std::vector<rpc::Server::Binding>;

const rpc::Address any_v4{};
const rpc::Address any_v6{.bytes = {}, .v6 = true};

Bindings bindings_on(const std::vector<rpc::Address>& addresses, std::uint16_t port) {
    Bindings bindings;
    for (const auto& address : addresses)
        for (const auto transport : {rpc::Transport::tcp, rpc::Transport::udp})
            bindings.push_back({transport, {address, port}});
    return bindings;
}

bool lacks_v6(const rpc::Server::BindError& error) {
    return error.binding.endpoint.address.v6 &&
           (error.code == boost::system::errc::address_family_not_supported ||
            error.code == boost::system::errc::address_not_available);
}

bool is_taken(const rpc::Server::BindError& error) {
    return error.code == boost::system::errc::address_in_use;
}

using Bound = boost::system::result<Bindings, rpc::Server::BindError>;

// With port 0 the other sockets must get the first one's port. That port may be taken for one of
// them.
Bound bind_one(const ListenAddress& where, rpc::Server& server, rpc::Dispatcher& dispatcher) {
    if (where.port != 0) return server.listen(bindings_on(where.addresses, where.port), dispatcher);
    const auto any = bindings_on(where.addresses, 0);
    auto bound = server.listen(std::span{any}.first(1), dispatcher);
    if (!bound) return bound.error();
    const auto all = bindings_on(where.addresses, bound->front().endpoint.port);
    const auto rest = server.listen(std::span{all}.subspan(1), dispatcher);
    if (!rest) return rest.error();
    bound->insert(bound->end(), rest->begin(), rest->end());
    return bound;
}

boost::system::result<Listening, rpc::Server::BindError>
bind_all(const std::vector<ListenAddress>& wanted, const rpc::ServerOptions& options,
         rpc::Dispatcher& dispatcher) {
    Listening listening{std::make_unique<rpc::Server>(options), {}, 0};
    for (const auto& where : wanted) {
        const auto bound = bind_one(where, *listening.server, dispatcher);
        if (!bound) return bound.error();
        listening.bound.insert(listening.bound.end(), bound->begin(), bound->end());
    }
    listening.port = listening.bound.front().endpoint.port;
    return listening;
}

// Another try picks another free port.
boost::system::result<Listening, rpc::Server::BindError>
bind_in_some_tries(const std::vector<ListenAddress>& wanted, const rpc::ServerOptions& options,
                   rpc::Dispatcher& dispatcher) {
    constexpr int tries_max = 20;
    const bool picks = std::ranges::any_of(wanted, [](const auto& one) { return one.port == 0; });
    for (int tries = 1;; ++tries) {
        auto listening = bind_all(wanted, options, dispatcher);
        if (listening || !picks || !is_taken(listening.error()) || tries == tries_max)
            return listening;
    }
}

std::vector<ListenAddress> without_v6(std::vector<ListenAddress> wanted) {
    for (auto& one : wanted)
        if (one.v6_may_lack)
            std::erase_if(one.addresses, [](const auto& address) { return address.v6; });
    return wanted;
}

std::string explain(const rpc::Server::BindError& error) {
    const auto& endpoint = error.binding.endpoint;
    auto text = "can't listen on " + endpoint.text() + ": " + error.code.message();
    if (is_taken(error)) {
        const auto owner = owner_of_port(error.binding);
        if (!owner.empty()) text += ", by " + owner;
        text += "; --listen takes another port";
    } else if (error.code == boost::system::errc::permission_denied) {
        text += "; ports below 1024 need CAP_NET_BIND_SERVICE, or --listen takes another";
    } else if (error.code == boost::system::errc::address_not_available) {
        text += ": this machine does not have that address";
        if (endpoint.address.v6)
            text += "; a port behind an address of IPv6 needs brackets, as [::1]:2049";
    }
    return text;
}

bool overlap(const rpc::Address& one, const rpc::Address& other) {
    return one.v6 == other.v6 && (one == other || one.is_any() || other.is_any());
}

void refuse_overlaps(const std::vector<ListenAddress>& wanted) {
    std::vector<rpc::Endpoint> seen;
    for (const auto& one : wanted) {
        const auto before = seen;
        for (const auto& address : one.addresses) {
            for (const auto& other : before)
                if (one.port != 0 && one.port == other.port && overlap(address, other.address))
                    throw UsageError("--listen names " + rpc::Endpoint{address, one.port}.text() +
                                     " twice, or beside all addresses");
            seen.push_back({address, one.port});
        }
    }
}

}  // namespace

Listening listen(const std::vector<ListenAddress>& where, const rpc::ServerOptions& options,
                 rpc::Dispatcher& dispatcher) {
    auto wanted = where.empty() ? std::vector{ListenAddress{}} : where;
    for (auto& one : wanted)
        if (one.addresses.empty()) {
            one.addresses = {any_v4, any_v6};
            one.v6_may_lack = true;
        }
    refuse_overlaps(wanted);
    auto listening = bind_in_some_tries(wanted, options, dispatcher);
    if (!listening && lacks_v6(listening.error())) {
        const auto v4 = without_v6(wanted);
        if (v4 != wanted) {
            spdlog::info("this machine has no IPv6; listening on IPv4 alone");
            listening = bind_in_some_tries(v4, options, dispatcher);
        }
    }
    if (!listening) throw UsageError(explain(listening.error()));
    return std::move(*listening);
}

boost::system::result<Bindings, rpc::Server::BindError>
listen_for_portmap(const Listening& listening, rpc::Dispatcher& dispatcher) {
    std::set<rpc::Address> addresses;
    for (const auto& binding : listening.bound) addresses.insert(binding.endpoint.address);
    const auto wanted = bindings_on({addresses.begin(), addresses.end()}, portmap_port);
    return listening.server->listen(wanted, dispatcher);
}

}  // namespace berth::server
