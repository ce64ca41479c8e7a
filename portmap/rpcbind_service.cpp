#include "portmap/rpcbind_service.hpp"

#include <chrono>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "portmap/reach.hpp"

namespace berth::portmap {

using namespace rpcbind;

namespace {

/// The longest universal address that we understand; RFC 5665 §5.2.3.
constexpr std::size_t address_bytes_max = 64;

std::optional<rpc::Endpoint> parse_address(std::string_view universal) {
    if (universal.size() > address_bytes_max) return {};
    return rpc::Endpoint::parse_universal_address(universal);
}

Netid asked_netid(const rpc::Call& call, const Binding& wanted) {
    return parse_netid(wanted.netid).value_or(netid_of(call.transport, call.local.address.v6));
}

}  // namespace

template <std::uint32_t Version>
xdr::Void RpcbindService<Version>::null(rpc::Call&, const xdr::Void&) {
    statistics_.count_call(Version, rpc::Null::id.number);
    return {};
}

template <std::uint32_t Version>
bool RpcbindService<Version>::set(rpc::Call& call, const Binding& binding) {
    statistics_.count_call(Version, Set::id.number);
    const auto netid = parse_netid(binding.netid);
    const auto at = parse_address(binding.address);
    if (!may_register(call) || !netid || !at) return false;
    // The owner that the caller names is only a claim.
    const bool done =
        registry_.set({.program = binding.program,
                       .version = binding.version,
                       .netid = *netid,
                       .at = *at,
                       .owner = std::string{is_superuser(call) ? superuser : unknown_user}});
    if (done) statistics_.count_set(Version);
    return done;
}

template <std::uint32_t Version>
bool RpcbindService<Version>::unset(rpc::Call& call, const Binding& binding) {
    statistics_.count_call(Version, Unset::id.number);
    const auto netid = parse_netid(binding.netid);
    const bool all = binding.netid.view().empty();
    if (!may_register(call) || (!netid && !all)) return false;
    const bool done = registry_.unset(binding.program, binding.version, netid, is_superuser(call));
    if (done) statistics_.count_unset(Version);
    return done;
}

template <std::uint32_t Version>
xdr::String<> RpcbindService<Version>::look_up(rpc::Call& call, const Binding& wanted,
                                               Match match) {
    const auto netid = asked_netid(call, wanted);
    const auto found = match == Match::exact
                           ? registry_.find(wanted.program, wanted.version, netid)
                           : registry_.find_any_version(wanted.program, wanted.version, netid);
    const auto at = found ? reachable_at(*found, call) : std::nullopt;
    statistics_.count_lookup(Version, wanted.program, at ? found->version : wanted.version, netid,
                             at.has_value());
    if (!at) return {};
    return call.memory.copy(at->universal_address());
}

template <std::uint32_t Version>
xdr::String<> RpcbindService<Version>::get_address(rpc::Call& call, const Binding& wanted) {
    statistics_.count_call(Version, GetAddress::id.number);
    return look_up(call, wanted, Match::any_version);
}

template <std::uint32_t Version>
xdr::List<Binding> RpcbindService<Version>::dump(rpc::Call& call, const xdr::Void&) {
    statistics_.count_call(Version, Dump::id.number);
    std::vector<Binding> bindings;
    for (const auto& registration : registry_.all()) {
        bindings.push_back({.program = registration.program,
                            .version = registration.version,
                            .netid = text(registration.netid),
                            .address = call.memory.copy(registration.at.universal_address()),
                            .owner = call.memory.copy(registration.owner)});
    }
    return bindings;
}

template <std::uint32_t Version>
std::uint32_t RpcbindService<Version>::get_time(rpc::Call&, const xdr::Void&) {
    statistics_.count_call(Version, GetTime::id.number);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now).count());
}

template <std::uint32_t Version>
NetBuffer RpcbindService<Version>::to_transport_address(rpc::Call& call,
                                                        const xdr::String<>& universal) {
    statistics_.count_call(Version, ToTransportAddress::id.number);
    const auto endpoint = parse_address(universal);
    if (!endpoint) return {};
    sockaddr_storage storage{};
    const auto size = endpoint->to(reinterpret_cast<sockaddr&>(storage));
    const auto bytes = call.memory.bytes(size);
    std::memcpy(bytes.data(), &storage, size);
    return {.bytes_max = static_cast<std::uint32_t>(size),
            .bytes = std::span<const std::byte>{bytes}};
}

template <std::uint32_t Version>
xdr::String<> RpcbindService<Version>::to_universal_address(rpc::Call& call,
                                                            const NetBuffer& address) {
    statistics_.count_call(Version, ToUniversalAddress::id.number);
    const auto bytes = address.bytes.bytes();
    sockaddr_storage storage{};
    if (bytes.size() < sizeof(sa_family_t) || bytes.size() > sizeof storage) return {};
    std::memcpy(&storage, bytes.data(), bytes.size());
    const bool whole = (storage.ss_family == AF_INET && bytes.size() >= sizeof(sockaddr_in)) ||
                       (storage.ss_family == AF_INET6 && bytes.size() >= sizeof(sockaddr_in6));
    if (!whole) return {};
    const auto endpoint = rpc::Endpoint::from(reinterpret_cast<const sockaddr&>(storage));
    return call.memory.copy(endpoint.universal_address());
}

template <std::uint32_t Version>
xdr::String<> RpcbindService<Version>::get_version_address(rpc::Call& call, const Binding& wanted) {
    statistics_.count_call(Version, GetVersionAddress::id.number);
    return look_up(call, wanted, Match::exact);
}

template <std::uint32_t Version>
xdr::List<MergedAddress> RpcbindService<Version>::get_address_list(rpc::Call& call,
                                                                   const Binding& wanted) {
    statistics_.count_call(Version, GetAddressList::id.number);
    const bool v6 = call.local.address.v6;
    std::vector<MergedAddress> addresses;
    for (const auto transport : {rpc::Transport::udp, rpc::Transport::tcp}) {
        const auto found = registry_.find(wanted.program, wanted.version, netid_of(transport, v6));
        const auto at = found ? reachable_at(*found, call) : std::nullopt;
        if (!at) continue;
        const bool udp = transport == rpc::Transport::udp;
        addresses.push_back({.address = call.memory.copy(at->universal_address()),
                             .netid = text(found->netid),
                             .semantics = udp ? connectionless : connection_oriented_orderly,
                             .protocol_family = std::string_view{v6 ? "inet6" : "inet"},
                             .protocol = std::string_view{udp ? "udp" : "tcp"}});
    }
    return addresses;
}

template <std::uint32_t Version>
std::array<VersionCounts, 3> RpcbindService<Version>::get_statistics(rpc::Call&, const xdr::Void&) {
    statistics_.count_call(Version, GetStatistics::id.number);
    const auto counts = statistics_.snapshot();
    std::array<VersionCounts, 3> result;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        result[i].calls = counts[i].calls;
        result[i].set = counts[i].set;
        result[i].unset = counts[i].unset;
        for (const auto& lookup : counts[i].lookups) {
            result[i].lookups.items.push_back({.program = lookup.program,
                                               .version = lookup.version,
                                               .success = lookup.success,
                                               .failure = lookup.failure,
                                               .netid = text(lookup.netid)});
        }
    }
    return result;
}

template <>
constexpr std::array<rpc::Entry<Service3>, Service3::procedures_count> Service3::procedures{
    rpc::on<rpc::Null, &Service3::null>(),
    rpc::on<Set, &Service3::set>(),
    rpc::on<Unset, &Service3::unset>(),
    rpc::on<GetAddress, &Service3::get_address>(),
    rpc::on<Dump, &Service3::dump>(),
    rpc::on<GetTime, &Service3::get_time>(),
    rpc::on<ToTransportAddress, &Service3::to_transport_address>(),
    rpc::on<ToUniversalAddress, &Service3::to_universal_address>(),
};

template <>
constexpr std::array<rpc::Entry<Service4>, Service4::procedures_count> Service4::procedures{
    rpc::on<rpc::Null, &Service4::null>(),
    rpc::on<Set, &Service4::set>(),
    rpc::on<Unset, &Service4::unset>(),
    rpc::on<GetAddress, &Service4::get_address>(),
    rpc::on<Dump, &Service4::dump>(),
    rpc::on<GetTime, &Service4::get_time>(),
    rpc::on<ToTransportAddress, &Service4::to_transport_address>(),
    rpc::on<ToUniversalAddress, &Service4::to_universal_address>(),
    rpc::on<GetVersionAddress, &Service4::get_version_address>(),
    rpc::on<GetAddressList, &Service4::get_address_list>(),
    rpc::on<GetStatistics, &Service4::get_statistics>(),
};

template class RpcbindService<3>;
template class RpcbindService<4>;

}  // namespace berth::portmap
