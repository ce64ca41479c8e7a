// One UDP socket. Each datagram is a call; the reply leaves from the address that the call was sent
// to. Datagrams past the ceilings are dropped: UDP clients ask again. Anybody can forge a
// datagram's source address, so no reply is more than ten times as long as its call unless the
// caller has proved that it receives replies; a longer one becomes the error SYSTEM_ERR, for every
// program. Any thread may call deliver(); only the socket's own network thread may call the rest.
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
    /// Takes no more calls; replies to calls in flight still leave.
    void drain();
    void close();
    [[nodiscard]] std::size_t calls_in_flight() const noexcept { return in_flight_.load(); }

    std::shared_ptr<ReplyPath> keep() override { return shared_from_this(); }
    void deliver(ExchangePtr finished) override;
    void lose_call() noexcept override {}  // its client sends it again when no reply comes
    void go_on() override;

private:
    void await_readable();
    void on_readable();
    bool receive();
    [[nodiscard]] static bool is_forged(const Endpoint& from);
    void answer(std::size_t size, const Endpoint& from, const Endpoint& to);
    void go_on_with(ExchangePtr exchange, Verdict verdict);
    template <class Step>
    void delay(ExchangePtr exchange, std::chrono::nanoseconds time, Step step);
    void attempt(ExchangePtr exchange);
    void hand_over(ExchangePtr exchange);
    ExchangePtr complete(ExchangePtr finished);
    ExchangePtr leave(ExchangePtr exchange);
    void send(const Exchange& exchange);

    NetworkThread& thread_;
    boost::asio::ip::udp::socket socket_;
    Dispatcher& dispatcher_;
    WorkerPool& workers_;
    Correspondents& correspondents_;  // the server keeps the options that own it
    Budget& budget_;                  // likewise
    const std::size_t calls_in_flight_max_;
    const Endpoint bound_;
    BufferPtr buffer_;
    bool draining_ = false;
    std::atomic<bool> open_{true};
    std::atomic<std::size_t> in_flight_{0};
};

}  // namespace berth::rpc::net
