// rpcbind, program 100000 versions 3 and 4 (RFC 1833 §2). Threads: any number; it has no state of
// its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "portmap/protocol.hpp"
#include "portmap/registry.hpp"
#include "portmap/statistics.hpp"
#include "rpc/program.hpp"

namespace berth::portmap {

/// The versions differ only in their tables: methods marked "Version 4" are in that version's
/// alone.
///
/// In a lookup the netid counts if we know it, otherwise the transport of the call. (RFC 1833 says
/// always the latter; existing clients expect the former.) Addresses are those that the caller can
/// use, except in DUMP, which shows the table as it is.
template <std::uint32_t Version>
class RpcbindService {
public:
    /// Both outlive the service.
    RpcbindService(Registry& registry, Statistics& statistics)
        : registry_(registry),
          statistics_(statistics) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    bool set(rpc::Call& call, const rpcbind::Binding& binding);
    bool unset(rpc::Call& call, const rpcbind::Binding& binding);
    xdr::String<> get_address(rpc::Call& call, const rpcbind::Binding& wanted);
    xdr::List<rpcbind::Binding> dump(rpc::Call& call, const xdr::Void& nothing);
    std::uint32_t get_time(rpc::Call& call, const xdr::Void& nothing);
    rpcbind::NetBuffer to_transport_address(rpc::Call& call, const xdr::String<>& universal);
    xdr::String<> to_universal_address(rpc::Call& call, const rpcbind::NetBuffer& address);

    /// Version 4.
    xdr::String<> get_version_address(rpc::Call& call, const rpcbind::Binding& wanted);
    /// Version 4. Lists the transports of the address family that the call used.
    xdr::List<rpcbind::MergedAddress> get_address_list(rpc::Call& call,
                                                       const rpcbind::Binding& wanted);
    /// Version 4.
    std::array<rpcbind::VersionCounts, 3> get_statistics(rpc::Call& call, const xdr::Void& nothing);

    static constexpr std::size_t procedures_count = Version == 3 ? 8 : 11;
    static const std::array<rpc::Entry<RpcbindService>, procedures_count> procedures;

private:
    enum class Match : std::uint8_t { any_version, exact };

    xdr::String<> look_up(rpc::Call& call, const rpcbind::Binding& wanted, Match match);

    Registry& registry_;
    Statistics& statistics_;
};

using Service3 = RpcbindService<3>;
using Service4 = RpcbindService<4>;

template <>
const std::array<rpc::Entry<Service3>, Service3::procedures_count> Service3::procedures;
template <>
const std::array<rpc::Entry<Service4>, Service4::procedures_count> Service4::procedures;

extern template class RpcbindService<3>;
extern template class RpcbindService<4>;

}  // namespace berth::portmap
