// Where a call came from and where it arrived: an IP address and a port, IPv4 or IPv6.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace berth::rpc {

enum class Transport : std::uint8_t { udp, tcp };

/// An IPv4 address is in the first four bytes. The family is that of the packet: an address
/// received as IPv6 never becomes IPv4.
struct Address {
    std::array<std::byte, 16> bytes{};
    bool v6 = false;
    std::uint32_t scope = 0;  ///< interface of a link-local IPv6 address

    // clang-tidy takes the 0 in rewritten comparisons for a pointer.
    auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)
    [[nodiscard]] bool is_loopback() const noexcept;
    [[nodiscard]] bool is_any() const noexcept;
    /// "::ffff:10.0.0.1" as IPv6: no host has such an address, so a packet from it is forged.
    [[nodiscard]] bool is_mapped() const noexcept;
    [[nodiscard]] std::string text() const;
    /// Parses numeric text only ("10.0.0.1", "fe80::1%eth0"); empty if it is not an address. The
    /// text "::ffff:10.0.0.1" gives the IPv4 address.
    static std::optional<Address> parse(std::string_view text);
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;

    auto operator<=>(const Endpoint&) const = default;  // NOLINT(modernize-use-nullptr)
    /// Only root can call from such a port; nobody can call from port 0.
    [[nodiscard]] bool has_reserved_port() const noexcept { return port != 0 && port < 1024; }
    /// "10.0.0.1:2049", "[::1]:2049"
    [[nodiscard]] std::string text() const;
    /// The "universal address" of RFC 5665 §5.2.3.3: "10.0.0.1.8.1", "::1.8.1"
    [[nodiscard]] std::string universal_address() const;
    static std::optional<Endpoint> parse_universal_address(std::string_view text);

    /// Converts from the system's own form.
    static Endpoint from(const sockaddr& address);
    /// Writes a sockaddr_in or sockaddr_in6 into 128 bytes of storage; returns its length.
    std::size_t to(sockaddr& storage) const;
};

}  // namespace berth::rpc
