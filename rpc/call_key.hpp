// The identity of a call: two calls with equal keys are copies of one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rpc/endpoint.hpp"

namespace berth::rpc {

/// The address has no port, because clients reconnect from other ports. The checksum covers the
/// whole body, credential included, so that two clients behind one address stay apart.
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

/// The checksum in a CallKey. Its seed is chosen per process, so that nobody can prepare
/// collisions.
std::uint64_t body_checksum(std::span<const std::byte> body);

}  // namespace berth::rpc
