// One UDP socket. Each datagram is a call; its reply leaves from the address the call came to.
// Datagrams past the ceilings are dropped: UDP clients ask again. Anybody can send one in another's
// name; so no reply is more than ten times as long as its call, unless the caller has shown that it
// gets them: what would be longer becomes the error SYSTEM_ERR, of any program. deliver() may be
// called from any thread, the rest from the socket's own network thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include <boost/asio/ip/udp.hpp>

#include "rpc/net/network_thread.hpp"
#include "rpc/net/worker_pool.hpp"
#include "rpc/server.hpp"

struct msghdr;

namespace berth::rpc::net {

class UdpSocket final : public ReplyPath,
                        public Guarded,
                        public std::enable_shared_from_this<UdpSocket> {
public:
    UdpSocket(NetworkThread& thread, boost::asio::ip::udp::socket socket, Dispatcher& dispatcher,
              WorkerPool& workers, const ServerOptions& options);

    void start();
    /// Takes no more calls; replies of those in flight still leave.
    void drain();
    void close();
    [[nodiscard]] std::size_t calls_in_flight() const noexcept { return in_flight_.load(); }

    void deliver(ExchangePtr finished) override;
    void go_on() override;

private:
    void await_readable();
    void on_readable();
    bool receive();
    [[nodiscard]] bool is_forged(const Endpoint& from);
    void answer(std::size_t size, const Endpoint& from, const Endpoint& to);
    void attempt(ExchangePtr exchange);
    void settle(const Exchange& finished);
    void send(const Exchange& exchange);

    NetworkThread& thread_;
    boost::asio::ip::udp::socket socket_;
    Dispatcher& dispatcher_;
    WorkerPool& workers_;
    Correspondents& correspondents_;  // of the options, which the server keeps
    const std::size_t calls_in_flight_max_;
    const Endpoint bound_;
    BufferPtr buffer_;
    bool draining_ = false;
    bool is_forgery_told_ = false;
    std::atomic<bool> open_{true};
    std::atomic<std::size_t> in_flight_{0};
};

}  // namespace berth::rpc::net
