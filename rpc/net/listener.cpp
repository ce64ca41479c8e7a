#include "rpc/net/listener.hpp"

#include <chrono>
#include <new>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace berth::rpc::net {

Listener::Listener(const Context& context, boost::asio::ip::tcp::acceptor acceptor,
                   Dispatcher& dispatcher)
    : context_(context),
      acceptor_(std::move(acceptor)),
      dispatcher_(dispatcher),
      pause_(acceptor_.get_executor()) {}

void Listener::start() {
    accept();
}

void Listener::accept() {
    auto& thread = *context_.threads[next_thread_++ % context_.threads.size()];
    const boost::asio::any_io_executor home{thread.context().get_executor()};
    acceptor_.async_accept(
        home, peer_, [self = shared_from_this(), &thread](const auto& error, auto socket) {
            if (error == boost::asio::error::operation_aborted || !self->acceptor_.is_open())
                return;
            if (error) {
                spdlog::warn("accepting a connection failed: {}", error.message());
                self->pause();
                return;
            }
            try {
                self->adopt(thread, std::move(socket));
            } catch (const std::bad_alloc&) {
                spdlog::error("out of memory; refusing a connection");
            }
            self->accept();
        });
}

// Out of descriptors or memory: without a pause the same error would come back at once, for ever.
void Listener::pause() {
    pause_.expires_after(std::chrono::milliseconds{100});
    pause_.async_wait([self = shared_from_this()](const auto& error) {
        if (!error) self->accept();
    });
}

void Listener::adopt(NetworkThread& thread, boost::asio::ip::tcp::socket socket) {
    if (context_.connection_count.load() >= context_.options.connections_max) {
        spdlog::warn("{} connections are open, the most that are allowed; refusing another",
                     context_.options.connections_max);
        return;
    }
    const auto peer = Endpoint::from(*peer_.data());
    if (peer.address.is_mapped()) {
        if (!std::exchange(is_forgery_told_, true))
            spdlog::warn("a connection over IPv6 claims to come from {}; such are closed",
                         peer.address.text());
        return;
    }
    const TcpConnection::Context context{thread, dispatcher_, context_.workers, context_.options,
                                         context_.connection_count};
    auto connection = std::make_shared<TcpConnection>(context, std::move(socket), peer);
    boost::asio::post(thread.context(),
                      [connection = std::move(connection)] { connection->start(); });
}

void Listener::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

}  // namespace berth::rpc::net
