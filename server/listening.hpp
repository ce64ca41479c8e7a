// The sockets of a server: those that --listen asks for, and the portmapper's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rpc/server.hpp"
#include "server/options.hpp"

namespace berth::server {

inline constexpr std::uint16_t portmap_port = 111;

/// A server that is bound to its sockets, but not started.
struct Listening {
    std::unique_ptr<rpc::Server> server;
    std::vector<rpc::Server::Binding> bound;  ///< in the order of --listen
    std::uint16_t port = 0;                   ///< of the first of them
};

/// Binds TCP and UDP at every address asked for; without any, on port 2049 of IPv4 and IPv6, or of
/// IPv4 alone if the machine has no IPv6. Throws UsageError if that fails, and says who has the
/// port.
Listening listen(const std::vector<ListenAddress>& where, const rpc::ServerOptions& options,
                 rpc::Dispatcher& dispatcher);

/// Binds the same addresses on port 111, for the portmapper's own dispatcher.
boost::system::result<std::vector<rpc::Server::Binding>, rpc::Server::BindError>
listen_for_portmap(const Listening& listening, rpc::Dispatcher& dispatcher);

}  // namespace berth::server
