#include "portmap/service2.hpp"

#include "portmap/reach.hpp"

namespace berth::portmap {
namespace {

constexpr std::uint32_t version = v2::id.version;
constexpr std::uint32_t port_max = 0xFFFF;

std::optional<Netid> netid_for(v2::Protocol protocol, bool v6) {
    switch (protocol) {
    case v2::Protocol::tcp: return netid_of(rpc::Transport::tcp, v6);
    case v2::Protocol::udp: return netid_of(rpc::Transport::udp, v6);
    }
    return {};
}

}  // namespace

constexpr std::array<rpc::Entry<Service2>, 5> Service2::procedures{
    rpc::on<rpc::Null, &Service2::null>(),  rpc::on<v2::Set, &Service2::set>(),
    rpc::on<v2::Unset, &Service2::unset>(), rpc::on<v2::GetPort, &Service2::get_port>(),
    rpc::on<v2::Dump, &Service2::dump>(),
};

xdr::Void Service2::null(rpc::Call&, const xdr::Void&) {
    statistics_.count_call(version, rpc::Null::id.number);
    return {};
}

bool Service2::set(rpc::Call& call, const v2::Mapping& mapping) {
    statistics_.count_call(version, v2::Set::id.number);
    const auto netid = netid_for(mapping.protocol, false);
    if (!may_register(call) || !netid || mapping.port > port_max) return false;
    const bool done =
        registry_.set({.program = mapping.program,
                       .version = mapping.version,
                       .netid = *netid,
                       .at = {.address = {}, .port = static_cast<std::uint16_t>(mapping.port)},
                       .owner = std::string{is_superuser(call) ? superuser : unknown_user}});
    if (done) statistics_.count_set(version);
    return done;
}

bool Service2::unset(rpc::Call& call, const v2::Mapping& mapping) {
    statistics_.count_call(version, v2::Unset::id.number);
    if (!may_register(call)) return false;
    bool done = false;
    for (const auto netid : {Netid::udp, Netid::tcp})
        done |= registry_.unset(mapping.program, mapping.version, netid, is_superuser(call));
    if (done) statistics_.count_unset(version);
    return done;
}

std::uint32_t Service2::get_port(rpc::Call& call, const v2::Mapping& wanted) {
    statistics_.count_call(version, v2::GetPort::id.number);
    const auto netid = netid_for(wanted.protocol, call.local.address.v6);
    if (!netid) return 0;
    const auto found = registry_.find_any_version(wanted.program, wanted.version, *netid);
    const auto at = found ? reachable_at(*found, call) : std::nullopt;
    // The caller will combine the port with the address that it knows, so the service must be
    // there.
    const bool there = at && at->address == call.local.address;
    statistics_.count_lookup(version, wanted.program, there ? found->version : wanted.version,
                             *netid, there);
    return there ? at->port : 0;
}

xdr::List<v2::Mapping> Service2::dump(rpc::Call& call, const xdr::Void&) {
    statistics_.count_call(version, v2::Dump::id.number);
    std::vector<v2::Mapping> mappings;
    for (const auto& registration : registry_.all()) {
        if (is_v6(registration.netid) != call.local.address.v6) continue;
        const auto protocol = transport_of(registration.netid) == rpc::Transport::tcp
                                  ? v2::Protocol::tcp
                                  : v2::Protocol::udp;
        mappings.push_back(
            {registration.program, registration.version, protocol, registration.at.port});
    }
    return mappings;
}

}  // namespace berth::portmap
