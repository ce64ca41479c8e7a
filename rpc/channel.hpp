// How a client's calls travel: over TCP, over UDP, or (in tests) straight into a dispatcher. One
// call at a time; blocking.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
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

    /// Sends one whole message and returns the reply with the same xid. The bytes are good until
    /// the next call. Errors: timed_out, and socket errors.
    virtual boost::system::result<std::span<const std::byte>>
    exchange(std::uint32_t xid, const xdr::Writer& message) = 0;
};

struct ChannelOptions {
    /// UDP: the time before the first retransmission (doubled each time). TCP: the time before the
    /// same bytes are sent again, over a new connection if the old one is gone.
    std::chrono::milliseconds retransmit_after{1000};
    std::chrono::milliseconds give_up_after{10'000};
    std::size_t reply_bytes_max = (std::size_t{1} << 20) + 65536;
    /// The address to call from; port 0 picks a port. Empty: the system picks both.
    std::optional<Endpoint> source;
    /// Calls from a port that only root can bind and ignores `source.port`. If no such port is
    /// free, any port is used.
    bool from_reserved_port = false;
};

/// Fails at once only over UDP, when no socket can be opened; TCP connects at the first call.
std::unique_ptr<Channel> open_channel(Transport transport, const Endpoint& server,
                                      const ChannelOptions& options = {});

/// The same to a server of this machine that listens on a unix socket; `options.source` has no
/// meaning there. Such servers see which user calls.
std::unique_ptr<Channel> open_local_channel(const std::string& path,
                                            const ChannelOptions& options = {});

}  // namespace berth::rpc
