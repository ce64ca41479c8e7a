// Accepts TCP connections and hands them to the network threads in turn. Used by the first network
// thread.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "rpc/net/tcp_connection.hpp"

namespace berth::rpc::net {

class Listener : public std::enable_shared_from_this<Listener> {
public:
    struct Context {
        std::span<const std::unique_ptr<NetworkThread>> threads;
        WorkerPool& workers;
        const ServerOptions& options;
        std::atomic<std::size_t>& connection_count;
    };

    Listener(const Context& context, boost::asio::ip::tcp::acceptor acceptor,
             Dispatcher& dispatcher);
    void start();
    void close();

private:
    void accept();
    void adopt(NetworkThread& thread, boost::asio::ip::tcp::socket socket);
    void pause();

    Context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::tcp::endpoint peer_;  // of the connection accepted last
    Dispatcher& dispatcher_;
    boost::asio::steady_timer pause_;
    std::size_t next_thread_ = 0;
    bool is_forgery_told_ = false;
};

}  // namespace berth::rpc::net
