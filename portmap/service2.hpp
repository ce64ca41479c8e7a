// The port mapper, program 100000 version 2 (RFC 1833 §3). Threads: any number; it has no state of
// its own.
#pragma once

#include <array>

#include "portmap/protocol.hpp"
#include "portmap/registry.hpp"
#include "portmap/statistics.hpp"
#include "rpc/program.hpp"

namespace berth::portmap {

/// A mapping does not distinguish IPv4 and IPv6: queries are answered for the address family that
/// the call used, and SET registers IPv4, as in rpcbind.
class Service2 {
public:
    /// Both outlive the service.
    Service2(Registry& registry, Statistics& statistics)
        : registry_(registry),
          statistics_(statistics) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    bool set(rpc::Call& call, const v2::Mapping& mapping);
    bool unset(rpc::Call& call, const v2::Mapping& mapping);
    std::uint32_t get_port(rpc::Call& call, const v2::Mapping& wanted);
    xdr::List<v2::Mapping> dump(rpc::Call& call, const xdr::Void& nothing);

    static const std::array<rpc::Entry<Service2>, 5> procedures;

private:
    Registry& registry_;
    Statistics& statistics_;
};

}  // namespace berth::portmap
