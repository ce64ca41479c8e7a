#include "nfs/exports/client_address.hpp"

#include <algorithm>
#include <cassert>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace berth::exports {
namespace {

/// A byte whose first `bits` bits are set.
std::byte mask_of(unsigned bits) {
    return static_cast<std::byte>(0xFF00U >> bits & 0xFFU);
}

}  // namespace

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return {};  // the C functions would stop at it
    const std::string terminated{text};
    std::array<std::byte, 4> short_bytes{};
    if (::inet_pton(AF_INET, terminated.c_str(), short_bytes.data()) == 1) return v4(short_bytes);
    ClientAddress address;
    if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return {};
    return address;
}

std::string ClientAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (is_v4())
        ::inet_ntop(AF_INET, bytes.data() + v4_at, buffer.data(), buffer.size());
    else
        ::inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
    return buffer.data();
}

ClientNetwork ClientNetwork::of(const ClientAddress& address, unsigned bits) {
    assert(bits <= whole_address);
    ClientNetwork network{.address = {}, .bits = bits};
    const auto whole = bits / 8;
    std::copy_n(address.bytes.begin(), whole, network.address.bytes.begin());
    if (bits % 8 != 0) network.address.bytes[whole] = address.bytes[whole] & mask_of(bits % 8);
    return network;
}

std::string ClientNetwork::text() const {
    const bool is_v4 = bits >= bits_before_v4 && address.is_v4();
    return address.text() + "/" + std::to_string(is_v4 ? bits - bits_before_v4 : bits);
}

}  // namespace berth::exports
