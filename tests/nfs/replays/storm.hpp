// A client's end of a network at its worst: of requests and of replies, one in ten is lost, one in
// ten comes late, one in ten comes twice; connections break. The client sends a call again until it
// is answered, the same bytes, as clients do. Real sockets; used by one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "rpc/channel.hpp"
#include "tests/rpc/raw_client.hpp"

namespace berth::nfs {

class StormChannel final : public rpc::Channel {
public:
    /// Calls get xids from `first_xid` on, whatever the caller of exchange() says.
    StormChannel(rpc::Transport transport, const rpc::Endpoint& server, std::uint64_t seed,
                 std::uint32_t first_xid);

    boost::system::result<std::span<const std::byte>> exchange(std::uint32_t xid,
                                                               const xdr::Writer& message) override;

    /// The storm is over: what is late comes now, and nothing happens to later calls.
    void calm();

private:
    using Bytes = std::vector<std::byte>;
    struct Late {
        std::uint64_t due;  // before this exchange
        Bytes request;
    };

    bool happens() { return !is_calm_ && random_() % 10 == 0; }
    /// Whether the call has gone out.
    bool send_or_not(const Bytes& request);
    void send(const Bytes& request);
    void send_late(std::uint64_t due);
    void hang_up();
    std::optional<Bytes> await_reply(std::uint32_t xid, std::chrono::milliseconds patience);
    std::optional<Bytes> take_reply();

    const rpc::Transport transport_;
    const rpc::Endpoint server_;
    std::mt19937_64 random_;
    std::uint32_t next_xid_;
    bool is_calm_ = false;
    std::uint64_t exchanges_ = 0;
    std::deque<Late> late_;
    std::unique_ptr<rpc::Socket> socket_;
    Bytes received_;  // of a stream
    Bytes reply_;
};

}  // namespace berth::nfs
