#include "portmap/look_up.hpp"

#include <string>
#include <utility>

#include "portmap/netid.hpp"
#include "portmap/protocol.hpp"

namespace berth::portmap {
namespace {

using Port = rpc::Answer<std::optional<std::uint16_t>>;

std::optional<std::uint16_t> port_from(std::uint32_t number) {
    constexpr std::uint32_t port_max = 0xFFFF;
    if (number == 0 || number > port_max) return {};
    return static_cast<std::uint16_t>(number);
}

Port ask_version_2(std::unique_ptr<rpc::Channel> portmapper, const Wanted& wanted) {
    rpc::Client client{std::move(portmapper), v2::id};
    const auto protocol =
        wanted.transport == rpc::Transport::tcp ? v2::Protocol::tcp : v2::Protocol::udp;
    const auto answer =
        client.call<v2::GetPort>({wanted.program.number, wanted.program.version, protocol, 0});
    if (!answer) return answer.error();
    return port_from(*answer);
}

/// Version 4, because version 2 does not know IPv6.
Port ask_version_4(std::unique_ptr<rpc::Channel> portmapper, const Wanted& wanted) {
    rpc::Client client{std::move(portmapper), rpcbind::id4};
    const auto answer =
        client.call<rpcbind::GetAddress>({.program = wanted.program.number,
                                          .version = wanted.program.version,
                                          .netid = text(netid_of(wanted.transport, true)),
                                          .address = {},
                                          .owner = {}});
    if (!answer) return answer.error();
    const auto at = rpc::Endpoint::parse_universal_address(*answer);
    return at ? port_from(at->port) : std::nullopt;
}

}  // namespace

Port look_up(std::unique_ptr<rpc::Channel> portmapper, const Wanted& wanted) {
    return wanted.v6 ? ask_version_4(std::move(portmapper), wanted)
                     : ask_version_2(std::move(portmapper), wanted);
}

Port look_up(const rpc::Address& host, const rpc::Address& source, Wanted wanted,
             std::chrono::milliseconds patience) {
    rpc::ChannelOptions options;
    options.give_up_after = patience;
    options.retransmit_after = patience;  // one datagram: the caller retries the whole look-up
    options.source = rpc::Endpoint{source, 0};
    wanted.v6 = host.v6;
    return look_up(rpc::open_channel(wanted.transport, {host, port_number}, options), wanted);
}

}  // namespace berth::portmap
