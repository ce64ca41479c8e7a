#include "rpc/net/listener.hpp"

#include <chrono>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include "rpc/peer_log.hpp"

namespace berth::rpc::net {

Listener::Listener(const Context& context, boost::asio::ip::tcp::acceptor acceptor,
                   Dispatcher& dispatcher)
    : context_(context),
      acceptor_(std::move(acceptor)),
      dispatcher_(dispatcher),
      pause_(acceptor_.get_executor()) {}

Listener::~Listener() {
    if (reserve_ >= 0) ::close(reserve_);
}

void Listener::start() {
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
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
                self->fail(error);
                return;
            }
            self->failures_ = 0;
            try {
                self->adopt(thread, std::move(socket));
            } catch (const std::bad_alloc&) {
                error_often("out of memory; refusing a connection");
            }
            self->accept();
        });
}

// After the first failure there is hope that an idle connection closes before the next attempt.
void Listener::fail(const boost::system::error_code& error) {
    const bool lacks_descriptors = error == boost::system::errc::too_many_files_open ||
                                   error == boost::system::errc::too_many_files_open_in_system;
    if (!lacks_descriptors) {
        warn_often("accepting a connection failed: {}", error.message());
    } else {
        context_.options.budget->lack_descriptors();
        if (++failures_ > 1) refuse_one();
    }
    pause();
}

void Listener::refuse_one() {
    if (reserve_ < 0) return;
    ::close(reserve_);
    const int refused =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (refused >= 0) ::close(refused);
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// Out of descriptors or memory: without a pause the same error would return at once, for ever.
void Listener::pause() {
    pause_.expires_after(std::chrono::milliseconds{20});
    pause_.async_wait([self = shared_from_this()](const auto& error) {
        if (!error) self->accept();
    });
}

void Listener::adopt(NetworkThread& thread, boost::asio::ip::tcp::socket socket) {
    const auto peer = Endpoint::from(*peer_.data());
    if (peer.address.is_mapped()) {
        warn_often("closed a connection over IPv6 with the impossible source {}", peer.address);
        return;
    }
    if (!context_.options.budget->admit(peer.address)) return;
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
