#include "rpc/endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

namespace berth::rpc {

namespace {

constexpr std::array<std::byte, 12> mapped_prefix{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

Address from_v4(const void* four_bytes) {
    Address address;
    std::memcpy(address.bytes.data(), four_bytes, 4);
    return address;
}

Address from_v6(const void* sixteen_bytes, std::uint32_t scope) {
    Address address;
    std::memcpy(address.bytes.data(), sixteen_bytes, 16);
    address.v6 = true;
    address.scope = scope;
    return address;
}

/// A decimal number of at most 255, and nothing else.
std::optional<std::uint16_t> parse_octet(std::string_view text) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > 255) return {};
    return value;
}

}  // namespace

bool Address::is_loopback() const noexcept {
    if (!v6) return bytes[0] == std::byte{127};
    constexpr auto one = [] {
        std::array<std::byte, 16> value{};
        value[15] = std::byte{1};
        return value;
    }();
    return bytes == one;
}

bool Address::is_mapped() const noexcept {
    return v6 && std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

bool Address::is_any() const noexcept {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer.data(), buffer.size()) == nullptr)
        return "?";
    std::string text = buffer.data();
    if (v6 && scope != 0) {
        std::array<char, IF_NAMESIZE> name{};
        text += '%';
        text += if_indextoname(scope, name.data()) != nullptr ? name.data() : std::to_string(scope);
    }
    return text;
}

std::optional<Address> Address::parse(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return {};  // the C functions would stop at it
    std::uint32_t scope = 0;
    if (const auto percent = text.find('%'); percent != std::string_view::npos) {
        scope = if_nametoindex(std::string{text.substr(percent + 1)}.c_str());
        if (scope == 0) return {};
        text = text.substr(0, percent);
    }
    const std::string terminated{text};
    in_addr v4{};
    if (scope == 0 && inet_pton(AF_INET, terminated.c_str(), &v4) == 1) return from_v4(&v4);
    in6_addr v6{};
    if (inet_pton(AF_INET6, terminated.c_str(), &v6) != 1) return {};
    const auto address = from_v6(&v6, scope);
    if (address.is_mapped()) return from_v4(address.bytes.data() + mapped_prefix.size());
    return address;
}

std::string Endpoint::text() const {
    const auto host = address.text();
    return (address.v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::universal_address() const {
    auto plain = address;
    plain.scope = 0;
    return plain.text() + "." + std::to_string(port >> 8) + "." + std::to_string(port & 255);
}

std::optional<Endpoint> Endpoint::parse_universal_address(std::string_view text) {
    const auto low_dot = text.rfind('.');
    if (low_dot == std::string_view::npos || low_dot == 0) return {};
    const auto high_dot = text.rfind('.', low_dot - 1);
    if (high_dot == std::string_view::npos) return {};
    const auto address = Address::parse(text.substr(0, high_dot));
    const auto high = parse_octet(text.substr(high_dot + 1, low_dot - high_dot - 1));
    const auto low = parse_octet(text.substr(low_dot + 1));
    if (!address || !high || !low) return {};
    return Endpoint{*address, static_cast<std::uint16_t>(*high << 8 | *low)};
}

Endpoint Endpoint::from(const sockaddr& address) {
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        return {from_v6(&v6.sin6_addr, v6.sin6_scope_id), ntohs(v6.sin6_port)};
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return {from_v4(&v4.sin_addr), ntohs(v4.sin_port)};
}

std::size_t Endpoint::to(sockaddr& storage) const {
    if (address.v6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_scope_id = address.scope;
        std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
        std::memcpy(&storage, &v6, sizeof v6);
        return sizeof v6;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    std::memcpy(&storage, &v4, sizeof v4);
    return sizeof v4;
}

}  // namespace berth::rpc
