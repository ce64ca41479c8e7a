// portmap2.x and rpcbind.x: RFC 1833 §3 and §2.
#include <array>
#include <cstdint>

#include "portmap/protocol.hpp"
#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using namespace portmap;

constexpr std::string_view why_no_calls = "calls others in the caller's stead; not served";

constexpr TypeLine types2[] = {
    type<v2::Mapping>("mapping"),
    type<v2::Dump::Result>("pmaplist"),
};

constexpr ProcedureLine procedures2[] = {
    procedure<rpc::Null>("PMAPPROC_NULL"),  procedure<v2::Set>("PMAPPROC_SET"),
    procedure<v2::Unset>("PMAPPROC_UNSET"), procedure<v2::GetPort>("PMAPPROC_GETPORT"),
    procedure<v2::Dump>("PMAPPROC_DUMP"),
};

constexpr ConstantLine constants2[] = {
    constant("PMAP_PORT", port_number),
    constant("IPPROTO_TCP", v2::Protocol::tcp),
    constant("IPPROTO_UDP", v2::Protocol::udp),
};

constexpr Exempt exempt2[] = {
    {"PMAPPROC_CALLIT", why_no_calls},
    {"call_args", why_no_calls},
    {"call_result", why_no_calls},
};

using namespace rpcbind;

constexpr TypeLine types_rpcbind[] = {
    type<Binding>("rpcb"),
    type<Node<Binding>>("rp__list"),
    type<Dump::Result>("rpcblist_ptr"),
    type<MergedAddress>("rpcb_entry"),
    type<Node<MergedAddress>>("rpcb_entry_list"),
    type<GetAddressList::Result>("rpcb_entry_list_ptr"),
    type<Node<LookupCount>>("rpcbs_addrlist"),
    type<Node<RemoteCallCount>>("rpcbs_rmtcalllist"),
    type<decltype(VersionCounts::calls)>("rpcbs_proc"),
    type<decltype(VersionCounts::lookups)>("rpcbs_addrlist_ptr"),
    type<decltype(VersionCounts::remote_calls)>("rpcbs_rmtcalllist_ptr"),
    type<VersionCounts>("rpcb_stat"),
    type<GetStatistics::Result>("rpcb_stat_byvers"),
    type<NetBuffer>("netbuf"),
};

constexpr ProcedureLine procedures_rpcbind[] = {
    procedure<Set>("RPCBPROC_SET"),
    procedure<Unset>("RPCBPROC_UNSET"),
    procedure<GetAddress>("RPCBPROC_GETADDR"),
    procedure<Dump>("RPCBPROC_DUMP"),
    procedure<GetTime>("RPCBPROC_GETTIME"),
    procedure<ToTransportAddress>("RPCBPROC_UADDR2TADDR"),
    procedure<ToUniversalAddress>("RPCBPROC_TADDR2UADDR"),
    procedure<GetVersionAddress>("RPCBPROC_GETVERSADDR"),
    procedure<GetAddressList>("RPCBPROC_GETADDRLIST"),
    procedure<GetStatistics>("RPCBPROC_GETSTAT"),
};

constexpr ConstantLine constants_rpcbind[] = {
    constant("RPCB_PORT", port_number),
    constant("rpcb_highproc_3", ToUniversalAddress::id.number),
    constant("rpcb_highproc_4", GetStatistics::id.number),
    constant("RPCBSTAT_HIGHPROC", procedure_count),
    constant("RPCBVERS_STAT", std::tuple_size_v<GetStatistics::Result>),
};

constexpr std::string_view why_index = "an index into GETSTAT's result, which is in this order";
constexpr Exempt exempt_rpcbind[] = {
    {"RPCBPROC_CALLIT", why_no_calls},   {"RPCBPROC_BCAST", why_no_calls},
    {"RPCBPROC_INDIRECT", why_no_calls}, {"rpcb_rmtcallargs", why_no_calls},
    {"rpcb_rmtcallres", why_no_calls},   {"rpcb_highproc_2", why_no_calls},
    {"RPCBVERS_2_STAT", why_index},      {"RPCBVERS_3_STAT", why_index},
    {"RPCBVERS_4_STAT", why_index},
};

}  // namespace

Specification portmap2() {
    return {"portmap2.x", types2, procedures2, constants2, exempt2};
}

Specification rpcbind() {
    return {"rpcbind.x", types_rpcbind, procedures_rpcbind, constants_rpcbind, exempt_rpcbind};
}

}  // namespace berth::spec
