// Which sockets a server listens on: those that --listen asks for, and the portmapper's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rpc/server.hpp"
#include "server/options.hpp"

namespace berth::server {

inline constexpr std::uint16_t portmap_port = 111;

/// A server that listens where it was asked to; not started.
struct Listening {
    std::unique_ptr<rpc::Server> server;
    std::vector<rpc::Server::Binding> bound;
    std::uint16_t port = 0;
};

/// TCP and UDP on one port, of every address asked for; of IPv4 and IPv6 when none was, or of IPv4
/// alone where the machine has no IPv6. Throws UsageError when that can't be.
Listening listen(const ListenAddress& where, const rpc::ServerOptions& options,
                 rpc::Dispatcher& dispatcher);

/// The same addresses on port 111, for the portmapper's own dispatcher.
boost::system::result<std::vector<rpc::Server::Binding>, rpc::Server::BindError>
listen_for_portmap(const Listening& listening, rpc::Dispatcher& dispatcher);

}  // namespace berth::server
