// The wire types of program 100000: the port mapper (version 2, RFC 1833 §3) and rpcbind (versions
// 3 and 4, RFC 1833 §2). CALLIT, BCAST and INDIRECT, which make a server call others on behalf of
// the caller, are left out: the tables do not have them, so they get "procedure unavailable".
#pragma once

#include <array>
#include <cstdint>

#include "rpc/call.hpp"
#include "xdr/types.hpp"

namespace berth::portmap {

inline constexpr std::uint32_t program_number = 100000;
/// RFC 1833 §2.1, §3.1: both PMAP_PORT and RPCB_PORT.
inline constexpr std::uint16_t port_number = 111;

namespace v2 {

inline constexpr rpc::ProgramId id{program_number, 2, "PORTMAP"};

/// An IP protocol number. Only these two have a meaning here, but all are well-formed.
enum class Protocol : std::uint32_t { tcp = 6, udp = 17 };
constexpr bool is_valid(Protocol) {
    return true;
}

/// `mapping` — RFC 1833 §3.1.
struct Mapping {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    Protocol protocol = Protocol::tcp;
    std::uint32_t port = 0;
};

/// PMAPPROC_SET — RFC 1833 §3.2.
struct Set {
    static constexpr rpc::ProcedureId id{1, "SET", rpc::Replay::remember};
    using Args = Mapping;
    using Result = bool;
};

/// PMAPPROC_UNSET — RFC 1833 §3.2. Protocol and port are ignored.
struct Unset {
    static constexpr rpc::ProcedureId id{2, "UNSET", rpc::Replay::remember};
    using Args = Mapping;
    using Result = bool;
};

/// PMAPPROC_GETPORT — RFC 1833 §3.2. Port 0: not registered.
struct GetPort {
    static constexpr rpc::ProcedureId id{3, "GETPORT"};
    using Args = Mapping;
    using Result = std::uint32_t;
};

/// PMAPPROC_DUMP — RFC 1833 §3.2.
struct Dump {
    static constexpr rpc::ProcedureId id{4, "DUMP"};
    using Args = xdr::Void;
    using Result = xdr::List<Mapping>;
};

}  // namespace v2

/// Versions 3 and 4 have the same numbers and types for the procedures that they share.
namespace rpcbind {

inline constexpr rpc::ProgramId id3{program_number, 3, "RPCBIND"};
inline constexpr rpc::ProgramId id4{program_number, 4, "RPCBIND"};

/// `rpcb` — RFC 1833 §2.1.
struct Binding {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    xdr::String<> netid;
    xdr::String<> address;  ///< universal
    xdr::String<> owner;
};

/// `rpcb_entry` — RFC 1833 §2.1.
struct MergedAddress {
    xdr::String<> address;  ///< universal
    xdr::String<> netid;
    std::uint32_t semantics = 0;
    xdr::String<> protocol_family;
    xdr::String<> protocol;
};

/// The values of `r_nc_semantics` — RFC 1833 §2.1.
inline constexpr std::uint32_t connectionless = 1;
inline constexpr std::uint32_t connection_oriented_orderly = 3;

/// `netbuf` — RFC 1833 §2.1: an address in the format of the answering machine.
struct NetBuffer {
    std::uint32_t bytes_max = 0;
    xdr::Opaque<> bytes;
};

/// `rpcbs_addrlist` — RFC 1833 §2.1.
struct LookupCount {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::int32_t success = 0;
    std::int32_t failure = 0;
    xdr::String<> netid;
};

/// `rpcbs_rmtcalllist` — RFC 1833 §2.1. Never sent: there are no remote calls to count.
struct RemoteCallCount {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    std::int32_t success = 0;
    std::int32_t failure = 0;
    std::int32_t indirect = 0;
    xdr::String<> netid;
};

/// RPCBSTAT_HIGHPROC — RFC 1833 §2.1: one more than the highest procedure of version 4.
inline constexpr std::size_t procedure_count = 13;

/// `rpcb_stat` — RFC 1833 §2.1.
struct VersionCounts {
    std::array<std::int32_t, procedure_count> calls{};
    std::int32_t set = 0;
    std::int32_t unset = 0;
    xdr::List<LookupCount> lookups;
    xdr::List<RemoteCallCount> remote_calls;
};

/// RPCBPROC_SET — RFC 1833 §2.2.1.
struct Set {
    static constexpr rpc::ProcedureId id{1, "SET", rpc::Replay::remember};
    using Args = Binding;
    using Result = bool;
};

/// RPCBPROC_UNSET — RFC 1833 §2.2.1. An empty netid means all of them.
struct Unset {
    static constexpr rpc::ProcedureId id{2, "UNSET", rpc::Replay::remember};
    using Args = Binding;
    using Result = bool;
};

/// RPCBPROC_GETADDR — RFC 1833 §2.2.1. Empty: not registered.
struct GetAddress {
    static constexpr rpc::ProcedureId id{3, "GETADDR"};
    using Args = Binding;
    using Result = xdr::String<>;
};

/// RPCBPROC_DUMP — RFC 1833 §2.2.1.
struct Dump {
    static constexpr rpc::ProcedureId id{4, "DUMP"};
    using Args = xdr::Void;
    using Result = xdr::List<Binding>;
};

/// RPCBPROC_GETTIME — RFC 1833 §2.2.1. Seconds since 1970.
struct GetTime {
    static constexpr rpc::ProcedureId id{6, "GETTIME"};
    using Args = xdr::Void;
    using Result = std::uint32_t;
};

/// RPCBPROC_UADDR2TADDR — RFC 1833 §2.2.1. Empty: no such address.
struct ToTransportAddress {
    static constexpr rpc::ProcedureId id{7, "UADDR2TADDR"};
    using Args = xdr::String<>;
    using Result = NetBuffer;
};

/// RPCBPROC_TADDR2UADDR — RFC 1833 §2.2.1. Empty: no such address.
struct ToUniversalAddress {
    static constexpr rpc::ProcedureId id{8, "TADDR2UADDR"};
    using Args = NetBuffer;
    using Result = xdr::String<>;
};

/// RPCBPROC_GETVERSADDR — RFC 1833 §2.2.2, version 4 only. Like GETADDR, but for exactly this
/// version.
struct GetVersionAddress {
    static constexpr rpc::ProcedureId id{9, "GETVERSADDR"};
    using Args = Binding;
    using Result = xdr::String<>;
};

/// RPCBPROC_GETADDRLIST — RFC 1833 §2.2.2, version 4 only.
struct GetAddressList {
    static constexpr rpc::ProcedureId id{11, "GETADDRLIST"};
    using Args = Binding;
    using Result = xdr::List<MergedAddress>;
};

/// RPCBPROC_GETSTAT — RFC 1833 §2.2.2, version 4 only. Counts of versions 2, 3 and 4, in this
/// order.
struct GetStatistics {
    static constexpr rpc::ProcedureId id{12, "GETSTAT"};
    using Args = xdr::Void;
    using Result = std::array<VersionCounts, 3>;
};

}  // namespace rpcbind

}  // namespace berth::portmap
