#include "rpc/server.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "rpc/net/listener.hpp"
#include "rpc/net/network_thread.hpp"
#include "rpc/net/tcp_connection.hpp"
#include "rpc/net/udp_socket.hpp"
#include "rpc/net/watchdog.hpp"
#include "rpc/net/worker_pool.hpp"

namespace berth::rpc {

namespace {

using boost::system::error_code;

template <class Protocol>
typename Protocol::endpoint to_asio(const Endpoint& endpoint) {
    typename Protocol::endpoint out;
    sockaddr_storage storage{};
    const auto size = endpoint.to(reinterpret_cast<sockaddr&>(storage));
    out.resize(size);
    std::memcpy(out.data(), &storage, size);
    return out;
}

/// Opens and binds a socket or an acceptor.
template <class Socket>
error_code bind(Socket& socket, const Endpoint& endpoint) {
    const auto where = to_asio<typename Socket::protocol_type>(endpoint);
    error_code error;
    socket.open(where.protocol(), error);
    if (error) return error;
    if (endpoint.address.v6) socket.set_option(boost::asio::ip::v6_only{true}, error);
    if (!error && std::is_same_v<typename Socket::protocol_type, boost::asio::ip::tcp>)
        socket.set_option(boost::asio::socket_base::reuse_address{true}, error);
    if (!error) socket.bind(where, error);
    return error;
}

template <class Socket>
Endpoint bound_endpoint(const Socket& socket) {
    error_code error;
    auto endpoint = socket.local_endpoint(error);
    return error ? Endpoint{} : Endpoint::from(*endpoint.data());
}

}  // namespace

struct Server::Parts {
    explicit Parts(ServerOptions wanted) : options(std::move(wanted)) {
        if (options.network_threads == 0)
            options.network_threads = std::max(1U, std::thread::hardware_concurrency());
        if (!options.correspondents) options.correspondents = std::make_shared<Correspondents>();
        if (!options.budget) options.budget = std::make_shared<Budget>(Budget::Limits{});
        const auto spare_bytes_max =
            options.budget->spare_exchanges_bytes_max() / options.network_threads;
        for (unsigned i = 0; i < options.network_threads; ++i)
            threads.push_back(std::make_unique<net::NetworkThread>(i, options.budget->blocks(),
                                                                   watchdog, spare_bytes_max));
    }

    using Clock = std::chrono::steady_clock;

    /// Runs `task` on every network thread, and waits until all have run it or until the deadline.
    /// Returns whether they have.
    template <class Task>
    bool on_every_thread(Clock::time_point deadline, Task task) {
        std::vector<std::future<void>> done;
        for (auto& thread : threads) {
            auto packaged =
                std::make_shared<std::packaged_task<void()>>([task, &thread] { task(*thread); });
            done.push_back(packaged->get_future());
            boost::asio::post(thread->context(), [packaged] { (*packaged)(); });
        }
        bool have_all = true;
        for (auto& future : done)
            have_all &= future.wait_until(deadline) == std::future_status::ready;
        return have_all;
    }

    /// Takes no more calls. Listeners stop first: connections that they have accepted have then
    /// been started when the connections' turn comes.
    void drain(Clock::time_point deadline) {
        on_every_thread(deadline, [this](net::NetworkThread& thread) {
            if (&thread != threads.front().get()) return;
            for (const auto& listener : listeners) listener->close();
            for (const auto& socket : udp_sockets) socket->drain();
        });
        on_every_thread(deadline, [](net::NetworkThread& thread) {
            const std::vector connections(thread.connections.begin(), thread.connections.end());
            for (const auto& connection : connections) connection->drain();
        });
    }

    [[nodiscard]] bool is_quiet() const {
        const auto in_flight = [](const auto& socket) { return socket->calls_in_flight() > 0; };
        return connection_count.load() == 0 && std::ranges::none_of(udp_sockets, in_flight) &&
               workers.is_idle();
    }

    ServerOptions options;
    std::atomic<std::size_t> connection_count{0};
    net::WorkerPool workers;
    net::Watchdog watchdog;
    std::vector<std::unique_ptr<net::NetworkThread>> threads;
    std::vector<std::shared_ptr<net::Listener>> listeners;
    std::vector<std::shared_ptr<net::UdpSocket>> udp_sockets;
    bool running = false;
};

Server::Server(const ServerOptions& options) : parts_(std::make_unique<Parts>(options)) {}

Server::~Server() {
    std::ignore = stop(std::chrono::milliseconds{0});
    parts_->watchdog.stop();
    for (const auto& thread : parts_->threads) thread->stop();
    parts_->workers.stop();
}

boost::system::result<std::vector<Server::Binding>, Server::BindError>
Server::listen(std::span<const Binding> wanted, Dispatcher& dispatcher) {
    const auto listeners_before = parts_->listeners.size();
    const auto sockets_before = parts_->udp_sockets.size();
    std::vector<Binding> bound;
    for (const auto& binding : wanted) {
        const auto endpoint = listen_one(binding, dispatcher);
        if (!endpoint) {
            parts_->listeners.resize(listeners_before);
            parts_->udp_sockets.resize(sockets_before);
            return BindError{endpoint.error(), binding};
        }
        bound.push_back({binding.transport, *endpoint});
    }
    return bound;
}

void throw_exception_from_error(const Server::BindError& error,
                                const boost::source_location& /*where*/) {
    throw boost::system::system_error{error.code, error.binding.endpoint.text()};
}

boost::system::result<Endpoint> Server::listen_one(const Binding& binding, Dispatcher& dispatcher) {
    const auto& endpoint = binding.endpoint;
    auto& first = *parts_->threads.front();
    if (binding.transport == Transport::udp) {
        boost::asio::ip::udp::socket socket{first.context()};
        if (const auto error = bind(socket, endpoint)) return error;
        const auto bound = bound_endpoint(socket);
        parts_->udp_sockets.push_back(std::make_shared<net::UdpSocket>(
            first, std::move(socket), dispatcher, parts_->workers, parts_->options));
        return bound;
    }
    boost::asio::ip::tcp::acceptor acceptor{first.context()};
    if (const auto error = bind(acceptor, endpoint)) return error;
    error_code error;
    acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return error;
    const auto bound = bound_endpoint(acceptor);
    const net::Listener::Context context{parts_->threads, parts_->workers, parts_->options,
                                         parts_->connection_count};
    parts_->listeners.push_back(
        std::make_shared<net::Listener>(context, std::move(acceptor), dispatcher));
    return bound;
}

void Server::start() {
    parts_->running = true;
    parts_->workers.start({.workers = std::max(1U, parts_->options.workers),
                           .silent_after = parts_->options.silent_after});
    for (const auto& listener : parts_->listeners) listener->start();
    for (const auto& socket : parts_->udp_sockets) socket->start();
    for (const auto& thread : parts_->threads) thread->start();
    parts_->watchdog.start(parts_->threads, parts_->workers);
}

bool Server::answers(std::chrono::milliseconds patience) {
    return parts_->on_every_thread(Parts::Clock::now() + patience, [](net::NetworkThread&) {});
}

bool Server::stop(std::chrono::milliseconds patience) {
    using Clock = Parts::Clock;
    constexpr std::chrono::milliseconds between_looks{5};
    const auto deadline = Clock::now() + patience;
    const auto await = [&](const auto& condition) {
        while (!condition() && Clock::now() < deadline) std::this_thread::sleep_for(between_looks);
        return condition();
    };
    if (std::exchange(parts_->running, false)) {
        parts_->drain(deadline);
        await([this] { return parts_->is_quiet(); });
        for (const auto& thread : parts_->threads) thread->context().stop();
    }
    const auto is_idle = [this] {
        return parts_->workers.is_idle() &&
               std::ranges::none_of(
                   parts_->threads, &net::NetworkThread::is_in_section,
                   [](const auto& thread) -> auto& { return *thread; });
    };
    if (!await(is_idle)) return false;
    parts_->watchdog.stop();
    for (const auto& thread : parts_->threads) thread->stop();
    parts_->workers.stop();
    for (const auto& socket : parts_->udp_sockets) socket->close();
    return true;
}

Server::Statistics Server::statistics() const {
    return {.connections = parts_->connection_count.load(),
            .calls_waiting = parts_->workers.waiting(),
            .silent_places = parts_->workers.silent_places()};
}

}  // namespace berth::rpc
