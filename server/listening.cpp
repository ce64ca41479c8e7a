#include "server/listening.hpp"

#include <cerrno>
#include <set>

#include <spdlog/spdlog.h>

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

std::string explain(const rpc::Server::BindError& error) {
    return "can't listen on " + error.binding.endpoint.text() + ": " + error.code.message();
}

// With port 0 the other sockets must get the first one's port. If that port is taken for one of
// them, the next attempt picks another.
boost::system::result<Listening, rpc::Server::BindError>
try_listen(const std::vector<rpc::Address>& addresses, std::uint16_t port,
           const rpc::ServerOptions& options, rpc::Dispatcher& dispatcher) {
    constexpr int tries_max = 20;
    for (int tries = 1;; ++tries) {
        Listening listening{std::make_unique<rpc::Server>(options), {}, port};
        auto wanted = bindings_on(addresses, port);
        if (port == 0) {
            const auto first = listening.server->listen(std::span{wanted}.first(1), dispatcher);
            if (!first) return first.error();
            listening.bound = *first;
            listening.port = first->front().endpoint.port;
            wanted = bindings_on(addresses, listening.port);
            wanted.erase(wanted.begin());
        }
        const auto rest = listening.server->listen(wanted, dispatcher);
        if (rest) {
            listening.bound.insert(listening.bound.end(), rest->begin(), rest->end());
            return listening;
        }
        const bool is_taken = rest.error().code == boost::system::errc::address_in_use;
        if (port != 0 || !is_taken || tries == tries_max) return rest.error();
    }
}

}  // namespace

Listening listen(const ListenAddress& where, const rpc::ServerOptions& options,
                 rpc::Dispatcher& dispatcher) {
    const bool everywhere = where.addresses.empty();
    const auto addresses = everywhere ? std::vector{any_v4, any_v6} : where.addresses;
    auto listening = try_listen(addresses, where.port, options, dispatcher);
    if (!listening && everywhere && lacks_v6(listening.error())) {
        spdlog::info("this machine has no IPv6; listening on IPv4 alone");
        listening = try_listen({any_v4}, where.port, options, dispatcher);
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
