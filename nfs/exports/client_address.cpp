#include "nfs/exports/client_address.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace berth::exports {
namespace {

constexpr std::size_t v4_at = 12;
constexpr std::array<std::byte, v4_at> mapped_prefix{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

/// A byte whose first `bits` bits are set.
std::byte mask_of(unsigned bits) {
    return static_cast<std::byte>(0xFF00U >> bits & 0xFFU);
}

}  // namespace

ClientAddress ClientAddress::v4(std::span<const std::byte, 4> bytes) noexcept {
    ClientAddress address;
    std::ranges::copy(mapped_prefix, address.bytes.begin());
    std::ranges::copy(bytes, address.bytes.begin() + v4_at);
    return address;
}

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return {};  // the C functions would stop at it
    const std::string terminated{text};
    std::array<std::byte, 4> short_bytes{};
    if (::inet_pton(AF_INET, terminated.c_str(), short_bytes.data()) == 1) return v4(short_bytes);
    ClientAddress address;
    if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return {};
    return address;
}

bool ClientAddress::is_v4() const noexcept {
    return std::memcmp(bytes.data(), mapped_prefix.data(), mapped_prefix.size()) == 0;
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

bool ClientNetwork::contains(const ClientAddress& client) const noexcept {
    const auto whole = bits / 8;
    if (std::memcmp(client.bytes.data(), address.bytes.data(), whole) != 0) return false;
    if (bits % 8 != 0 && (client.bytes[whole] & mask_of(bits % 8)) != address.bytes[whole])
        return false;
    return bits >= bits_before_v4 || !client.is_v4();
}

std::string ClientNetwork::text() const {
    const bool is_v4 = bits >= bits_before_v4 && address.is_v4();
    return address.text() + "/" + std::to_string(is_v4 ? bits - bits_before_v4 : bits);
}

}  // namespace berth::exports
