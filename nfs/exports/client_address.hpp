// The address of a client in access rules: sixteen bytes, IPv4 as an IPv4-mapped IPv6 address (RFC
// 4291 §2.5.5.2), so that a client is the same whichever way its packets came. Plain values.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/endian/conversion.hpp>

namespace berth::exports {

struct ClientAddress {
    static constexpr std::size_t v4_at = 12;  ///< where the bytes of an IPv4 address are

    std::array<std::byte, 16> bytes{};

    static ClientAddress v4(std::span<const std::byte, 4> bytes) noexcept {
        ClientAddress address;
        address.bytes[v4_at - 2] = address.bytes[v4_at - 1] = std::byte{0xff};
        std::ranges::copy(bytes, address.bytes.begin() + v4_at);
        return address;
    }
    /// From rpc's form: IPv4 in the first four of the sixteen bytes. An IPv6 address that looks
    /// like IPv4 becomes "::", which no client has.
    static ClientAddress of(const std::array<std::byte, 16>& bytes, bool is_v6) noexcept {
        if (!is_v6) return v4(std::span{bytes}.first<4>());
        const ClientAddress address{bytes};
        return address.is_v4() ? ClientAddress{} : address;
    }
    /// Numeric text without a scope ("192.0.2.7", "2001:db8::7"); empty if it is not an address.
    static std::optional<ClientAddress> parse(std::string_view text);

    [[nodiscard]] bool is_v4() const noexcept { return half(0) == 0 && half(1) >> 32 == 0xFFFF; }
    /// Eight bytes of it as a number: the first, or the last.
    [[nodiscard]] std::uint64_t half(std::size_t which) const noexcept {
        return boost::endian::load_big_u64(
            reinterpret_cast<const unsigned char*>(bytes.data() + which * sizeof(std::uint64_t)));
    }
    [[nodiscard]] std::string text() const;

    // clang-tidy takes the 0 in rewritten comparisons for a pointer.
    auto operator<=>(const ClientAddress&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// The addresses that begin with the same bits. No IPv6 network contains IPv4 addresses.
struct ClientNetwork {
    static constexpr unsigned whole_address = 128;
    static constexpr unsigned half_bits = 64;
    static constexpr unsigned bits_before_v4 = 96;

    ClientAddress address;          ///< the bits after the first `bits` are zero
    unsigned bits = whole_address;  ///< of the sixteen bytes: IPv4 prefixes have 96 more

    /// The network of that address and length; address bits past the length are cleared.
    static ClientNetwork of(const ClientAddress& address, unsigned bits);

    [[nodiscard]] bool contains(const ClientAddress& client) const noexcept {
        const auto differs_in = [&](std::size_t half, unsigned first_bits) {
            if (first_bits == 0) return false;
            return (client.half(half) ^ address.half(half)) >> (half_bits - first_bits) != 0;
        };
        if (differs_in(0, std::min(bits, half_bits))) return false;
        if (bits > half_bits && differs_in(1, bits - half_bits)) return false;
        return bits >= bits_before_v4 || !client.is_v4();
    }
    /// "192.0.2.0/24"
    [[nodiscard]] std::string text() const;

    bool operator==(const ClientNetwork&) const = default;
};

}  // namespace berth::exports
