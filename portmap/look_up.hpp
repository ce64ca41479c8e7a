// Asks the portmapper of another machine where a program is. Blocking.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "rpc/call.hpp"
#include "rpc/client.hpp"
#include "rpc/endpoint.hpp"

namespace berth::portmap {

/// What is to be found, and over what it is to be called.
struct Wanted {
    rpc::ProgramId program;
    rpc::Transport transport = rpc::Transport::tcp;
    bool v6 = false;
};

/// The port of this program on `host`; none when it is not registered there. Whatever address the
/// portmapper gives is not looked at. `source`: the address to ask from. `wanted.v6` is not looked
/// at.
rpc::Answer<std::optional<std::uint16_t>> look_up(const rpc::Address& host,
                                                  const rpc::Address& source, Wanted wanted,
                                                  std::chrono::milliseconds patience);

/// The same, of the portmapper at the end of this channel.
rpc::Answer<std::optional<std::uint16_t>> look_up(std::unique_ptr<rpc::Channel> portmapper,
                                                  const Wanted& wanted);

}  // namespace berth::portmap
