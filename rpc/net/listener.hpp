// Accepts TCP connections and hands them to the network threads in turn. Only the first network
// thread uses it. It keeps one descriptor in reserve: when the process has no others left, the
// listener uses that one to accept connections and close them, so that their clients know.
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
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    void start();
    void close();

private:
    void accept();
    void adopt(NetworkThread& thread, boost::asio::ip::tcp::socket socket);
    void pause();
    void fail(const boost::system::error_code& error);
    void refuse_one();

    Context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::tcp::endpoint peer_;  // of the newest connection
    Dispatcher& dispatcher_;
    boost::asio::steady_timer pause_;
    int reserve_ = -1;
    unsigned failures_ = 0;  // in a row
    std::size_t next_thread_ = 0;
};

}  // namespace berth::rpc::net
