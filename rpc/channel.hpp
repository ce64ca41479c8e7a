// How a client's calls travel: over TCP, over UDP, or (in tests) straight into a dispatcher. One
// call at a time; blocking.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include <boost/system/result.hpp>

#include "rpc/endpoint.hpp"
#include "xdr/writer.hpp"

namespace berth::rpc {

class Channel {
public:
    Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    virtual ~Channel() = default;

    /// Sends one whole message and gives the reply that carries the same xid; the bytes are good
    /// until the next call. Errors: timed_out, and what the sockets say.
    virtual boost::system::result<std::span<const std::byte>>
    exchange(std::uint32_t xid, const xdr::Writer& message) = 0;
};

struct ChannelOptions {
    /// UDP: before the first retransmission (doubled each time). TCP: how long to wait before the
    /// same bytes are sent again, over a new connection if the old one is gone.
    std::chrono::milliseconds retransmit_after{1000};
    std::chrono::milliseconds give_up_after{10'000};
    std::size_t reply_bytes_max = (std::size_t{1} << 20) + 65536;
    /// Where to call from; port 0 picks one. Empty: the system picks.
    std::optional<Endpoint> source;
    /// `source.port` is not looked at; the port is one that only root has. Where none can be had,
    /// any.
    bool from_reserved_port = false;
};

/// Errors at once for UDP only when no socket can be had; TCP connects at the first call.
std::unique_ptr<Channel> open_channel(Transport transport, const Endpoint& server,
                                      const ChannelOptions& options = {});

}  // namespace berth::rpc
