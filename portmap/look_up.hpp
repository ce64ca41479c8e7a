// Asks the portmapper of another machine for a program's port. Blocking.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "rpc/call.hpp"
#include "rpc/client.hpp"
#include "rpc/endpoint.hpp"

namespace berth::portmap {

/// The program to find, and how it will be called.
struct Wanted {
    rpc::ProgramId program;
    rpc::Transport transport = rpc::Transport::tcp;
    bool v6 = false;
};

/// The port of this program on `host`; empty if it is not registered there. The address that the
/// portmapper returns is ignored, and so is `wanted.v6`. `source`: the address to ask from.
rpc::Answer<std::optional<std::uint16_t>> look_up(const rpc::Address& host,
                                                  const rpc::Address& source, Wanted wanted,
                                                  std::chrono::milliseconds patience);

/// The same, from the portmapper at the end of this channel.
rpc::Answer<std::optional<std::uint16_t>> look_up(std::unique_ptr<rpc::Channel> portmapper,
                                                  const Wanted& wanted);

}  // namespace berth::portmap
