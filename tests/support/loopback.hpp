// A channel that ends in a dispatcher: the real client against the real services, without sockets
// or threads. What a network does to calls and replies happens on order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "rpc/channel.hpp"
#include "rpc/dispatcher.hpp"

namespace berth::test {

/// What happens to one sending of a call.
enum class Fate : std::uint8_t {
    arrives,      ///< call and reply arrive
    call_lost,    ///< the server never sees it; the client sends it again
    reply_lost,   ///< the server answers, the client never sees it and sends the call again
    twice,        ///< the call arrives twice; the client gets the second reply
    comes_again,  ///< as `arrives`, and a copy of the call arrives late, before the next one is
                  ///< sent
};

class Loopback final : public rpc::Channel {
public:
    /// The dispatcher outlives the channel.
    explicit Loopback(rpc::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

    boost::system::result<std::span<const std::byte>> exchange(std::uint32_t xid,
                                                               const xdr::Writer& message) override;

    /// What the network does to the next sendings; it is faultless after those. Four in a row
    /// without a reply are a time-out.
    void fates(std::initializer_list<Fate> next) { fates_.assign(next); }

    /// Where calls come from and go to.
    rpc::Endpoint from{.address = *rpc::Address::parse("192.0.2.7"), .port = 700};
    rpc::Endpoint to{.address = *rpc::Address::parse("192.0.2.1"), .port = 2049};
    rpc::Transport transport = rpc::Transport::tcp;

private:
    std::vector<std::byte> answer(std::span<const std::byte> request);
    Fate next_fate();

    rpc::Dispatcher& dispatcher_;
    rpc::Exchange exchange_;
    std::deque<Fate> fates_;
    std::vector<std::byte> reply_;
    std::vector<std::byte> late_copy_;
};

}  // namespace berth::test
