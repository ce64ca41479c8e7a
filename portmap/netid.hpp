// The network identifiers ("netids") that the portmapper knows. RFC 5665 §5.1 has the registry;
// other transports are not served here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "rpc/endpoint.hpp"

namespace berth::portmap {

enum class Netid : std::uint8_t { udp, tcp, udp6, tcp6 };

inline constexpr std::array all_netids{Netid::udp, Netid::tcp, Netid::udp6, Netid::tcp6};

constexpr std::string_view text(Netid netid) {
    constexpr std::array<std::string_view, 4> names{"udp", "tcp", "udp6", "tcp6"};
    return names[static_cast<std::size_t>(netid)];
}

constexpr std::optional<Netid> parse_netid(std::string_view name) {
    for (const auto netid : all_netids) {
        if (text(netid) == name) return netid;
    }
    return {};
}

constexpr Netid netid_of(rpc::Transport transport, bool v6) {
    if (transport == rpc::Transport::udp) return v6 ? Netid::udp6 : Netid::udp;
    return v6 ? Netid::tcp6 : Netid::tcp;
}

constexpr rpc::Transport transport_of(Netid netid) {
    return netid == Netid::udp || netid == Netid::udp6 ? rpc::Transport::udp : rpc::Transport::tcp;
}

constexpr bool is_v6(Netid netid) {
    return netid == Netid::udp6 || netid == Netid::tcp6;
}

}  // namespace berth::portmap
