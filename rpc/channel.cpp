#include "rpc/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/record.hpp"

namespace berth::rpc {

namespace {

using Clock = std::chrono::steady_clock;
using boost::system::error_code;
using ReplyBytes = boost::system::result<std::span<const std::byte>>;

error_code system_error(int number = errno) {
    return {number, boost::system::system_category()};
}

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int number() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

/// Waits until `events` or the deadline; timed_out is an error.
error_code await(const Descriptor& descriptor, short events, Clock::time_point deadline) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return system_error(ETIMEDOUT);
        pollfd wanted{descriptor.number(), events, 0};
        const auto count = ::poll(&wanted, 1, static_cast<int>(std::min<long long>(left, 60'000)));
        if (count > 0) return {};
        if (count < 0 && errno != EINTR) return system_error();
    }
}

void pause(Clock::time_point until) {
    std::ignore = await(Descriptor{}, 0, until);  // poll() passes over a negative descriptor
}

bool bind_reserved(int socket, const Address& source) {
    constexpr std::uint16_t first = 600;  // the ports below are those of well-known services
    sockaddr_storage storage{};
    auto& address = reinterpret_cast<sockaddr&>(storage);
    for (std::uint16_t port = 1023; port >= first; --port) {
        const auto size = static_cast<socklen_t>(Endpoint{source, port}.to(address));
        if (::bind(socket, &address, size) == 0) return true;
        if (errno != EADDRINUSE) return false;
    }
    return false;
}

boost::system::result<Descriptor> open_socket(int type, const Endpoint& server,
                                              const ChannelOptions& options) {
    const int family = server.address.v6 ? AF_INET6 : AF_INET;
    Descriptor socket{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return system_error();
    sockaddr_storage storage{};
    auto& address = reinterpret_cast<sockaddr&>(storage);
    if (options.source) {
        const int on = 1;
        ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const bool is_bound =
            options.from_reserved_port && bind_reserved(socket.number(), options.source->address);
        const auto size = static_cast<socklen_t>(options.source->to(address));
        if (!is_bound && ::bind(socket.number(), &address, size) != 0) return system_error();
    }
    const auto size = static_cast<socklen_t>(server.to(address));
    if (::connect(socket.number(), &address, size) != 0 && errno != EINPROGRESS)
        return system_error();
    return socket;
}

std::uint32_t xid_of(std::span<const std::byte> message) {
    return xdr::Reader{message}.u32();
}

class UdpChannel final : public Channel {
public:
    UdpChannel(const Endpoint& server, const ChannelOptions& options)
        : server_(server),
          options_(options) {}

    ReplyBytes exchange(std::uint32_t xid, const xdr::Writer& message) override {
        if (!socket_) {
            auto opened = open_socket(SOCK_DGRAM, server_, options_);
            if (!opened) return opened.error();
            socket_ = std::move(*opened);
        }
        const auto request = message.flat();
        const auto give_up = Clock::now() + options_.give_up_after;
        for (auto patience = options_.retransmit_after;; patience *= 2) {
            if (::send(socket_.number(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
                return system_error();
            auto reply = receive(xid, std::min(give_up, Clock::now() + patience));
            if (reply || reply.error() != system_error(ETIMEDOUT) || Clock::now() >= give_up)
                return reply;
        }
    }

private:
    ReplyBytes receive(std::uint32_t xid, Clock::time_point deadline) {
        for (;;) {
            if (const auto error = await(socket_, POLLIN, deadline)) return error;
            buffer_.resize(65536);
            const auto count =
                ::recv(socket_.number(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
            if (count < 0 && errno == EAGAIN) continue;
            if (count < 0) return system_error();
            const std::span reply{buffer_.data(), static_cast<std::size_t>(count)};
            if (xid_of(reply) == xid) return reply;  // anything else answers an earlier call
        }
    }

    Endpoint server_;
    ChannelOptions options_;
    Descriptor socket_;
    std::vector<std::byte> buffer_;
};

boost::system::result<Descriptor> open_local_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return system_error(ENAMETOOLONG);
    std::ranges::copy(path, std::begin(address.sun_path));
    Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return system_error();
    const auto* const any = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.number(), any, sizeof address) != 0 && errno != EINPROGRESS)
        return system_error();
    return socket;
}

/// Over a connection: TCP, or a unix socket.
class StreamChannel final : public Channel {
public:
    /// Begins a connection.
    using Open = std::function<boost::system::result<Descriptor>()>;

    StreamChannel(Open open, const ChannelOptions& options)
        : open_(std::move(open)),
          options_(options) {}

    ReplyBytes exchange(std::uint32_t xid, const xdr::Writer& message) override {
        const auto give_up = Clock::now() + options_.give_up_after;
        for (int losses = 0;;) {
            const auto next = std::min(give_up, Clock::now() + options_.retransmit_after);
            auto reply = try_once(xid, message, next);
            if (reply || Clock::now() >= give_up) return reply;
            const bool is_slow = reply.error() == system_error(ETIMEDOUT);
            if (is_slow) continue;  // the same bytes again, over the same connection
            const bool was_connected = static_cast<bool>(socket_);
            socket_ = {};
            // An error that remains on a new connection will not go away.
            if (!was_connected || reply.error() == system_error(EBADMSG)) return reply;
            // Pauses between calls to a server that hangs up each time.
            if (++losses > 1) pause(next);
        }
    }

private:
    ReplyBytes try_once(std::uint32_t xid, const xdr::Writer& message, Clock::time_point deadline) {
        if (!socket_)
            if (const auto error = connect(deadline)) return error;
        if (const auto error = send(message, deadline)) return error;
        for (;;) {
            if (record_ = records_->next(); record_) {
                if (xid_of(record_->bytes) == xid) return record_->bytes;
                continue;
            }
            if (records_->is_broken()) return system_error(EBADMSG);
            if (const auto error = await(socket_, POLLIN, deadline)) return error;
            const auto space = records_->space();
            const auto count = ::recv(socket_.number(), space.data(), space.size(), MSG_DONTWAIT);
            if (count > 0) records_->received(static_cast<std::size_t>(count));
            if (count == 0) return system_error(ECONNRESET);
            if (count < 0 && errno != EAGAIN && errno != EINTR) return system_error();
        }
    }

    error_code connect(Clock::time_point deadline) {
        auto opened = open_();
        if (!opened) return opened.error();
        if (const auto error = await(*opened, POLLOUT, deadline)) return error;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(opened->number(), SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure != 0) return system_error(failure);
        const int on = 1;  // unix sockets refuse it, and need it not
        ::setsockopt(opened->number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        socket_ = std::move(*opened);
        record_.reset();
        records_.emplace(blocks_,
                         RecordReader::Limits{.record_bytes_max = options_.reply_bytes_max});
        return {};
    }

    error_code send(const xdr::Writer& message, Clock::time_point deadline) {
        constexpr std::uint32_t last_fragment_bit = 0x80000000;
        xdr::Writer framed;
        framed.u32(last_fragment_bit | static_cast<std::uint32_t>(message.size()));
        const auto mark = framed.flat();
        const auto body = message.flat();
        std::size_t sent = 0;
        while (sent < mark.size() + body.size()) {
            const auto mark_sent = std::min(sent, mark.size());
            const auto body_sent = sent - mark_sent;
            std::array<iovec, 2> pieces{
                {{const_cast<std::byte*>(mark.data()) + mark_sent, mark.size() - mark_sent},
                 {const_cast<std::byte*>(body.data()) + body_sent, body.size() - body_sent}}};
            msghdr header{};
            header.msg_iov = pieces.data();
            header.msg_iovlen = pieces.size();
            const auto count = ::sendmsg(socket_.number(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count > 0) sent += static_cast<std::size_t>(count);
            if (count < 0 && errno == EAGAIN) {
                if (const auto error = await(socket_, POLLOUT, deadline)) {
                    socket_ = {};  // half a record has gone: the connection is unusable
                    return error;
                }
            } else if (count < 0 && errno != EINTR) {
                return system_error();
            }
        }
        return {};
    }

    Open open_;
    ChannelOptions options_;
    BlockPool blocks_{std::size_t{4} << 20};
    Descriptor socket_;
    std::optional<RecordReader> records_;
    std::optional<Record> record_;
};

}  // namespace

std::unique_ptr<Channel> open_channel(Transport transport, const Endpoint& server,
                                      const ChannelOptions& options) {
    if (transport == Transport::udp) return std::make_unique<UdpChannel>(server, options);
    return std::make_unique<StreamChannel>(
        [=] { return open_socket(SOCK_STREAM, server, options); }, options);
}

std::unique_ptr<Channel> open_local_channel(const std::string& path,
                                            const ChannelOptions& options) {
    return std::make_unique<StreamChannel>([path] { return open_local_socket(path); }, options);
}

}  // namespace berth::rpc
