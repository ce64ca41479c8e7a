// What makes two calls the same one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rpc/endpoint.hpp"

namespace berth::rpc {

/// The address is without port, because clients reconnect from others; the whole body is in the
/// checksum, credential included, so that two clients behind one address are kept apart.
struct CallKey {
    Address caller;
    std::uint32_t xid = 0;
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    std::uint64_t body_bytes = 0;
    std::uint64_t body_checksum = 0;

    bool operator==(const CallKey&) const = default;
};

/// The checksum a CallKey carries. Seeded per process, so that nobody can prepare collisions.
std::uint64_t body_checksum(std::span<const std::byte> body);

}  // namespace berth::rpc
