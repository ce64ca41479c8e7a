#include "rpc/net/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "rpc/message.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc::net {

namespace {

constexpr std::size_t datagram_bytes_max = 65536;
constexpr int datagrams_per_turn = 64;

// Room for either family's packet-information message.
struct Control {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};
};

bool is_link_local(const Address& address) {
    return address.bytes[0] == std::byte{0xfe} &&
           (address.bytes[1] & std::byte{0xc0}) == std::byte{0x80};
}

/// The address a datagram was sent to; of a broadcast one, ours that it reached.
void read_local_address(msghdr& message, Address& local) {
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof info);
            local = {};
            std::memcpy(local.bytes.data(), &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
        } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof info);
            local.v6 = true;
            std::memcpy(local.bytes.data(), &info.ipi6_addr, sizeof info.ipi6_addr);
            local.scope = is_link_local(local) ? info.ipi6_ifindex : 0;
        }
    }
}

template <class Info>
void attach(msghdr& message, Control& control, int level, int type, const Info& info) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(sizeof info);
    auto* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(part), &info, sizeof info);
}

/// Has a datagram leave from `local`.
void write_local_address(msghdr& message, Control& control, const Address& local) {
    if (local.is_any()) return;
    if (local.v6) {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, local.bytes.data(), sizeof info.ipi6_addr);
        if (is_link_local(local)) info.ipi6_ifindex = local.scope;
        attach(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, local.bytes.data(), sizeof info.ipi_spec_dst);
        attach(message, control, IPPROTO_IP, IP_PKTINFO, info);
    }
}

/// SYSTEM_ERR - RFC 5531 §9.
void write_error(xdr::Writer& out, std::uint32_t xid) {
    Message message{.xid = xid, .body = {}};
    message.body =
        decltype(message.body)::make<MessageType::reply>(ReplyBody::make<ReplyStatus::accepted>(
            {.verifier = {}, .body = AcceptedBody::otherwise(AcceptStatus::system_error)}));
    xdr::encode(out, message);
}

Endpoint endpoint_of(const boost::asio::ip::udp::socket& socket) {
    boost::system::error_code error;
    auto endpoint = socket.local_endpoint(error);
    return error ? Endpoint{} : Endpoint::from(*endpoint.data());
}

}  // namespace

UdpSocket::UdpSocket(NetworkThread& thread, boost::asio::ip::udp::socket socket,
                     Dispatcher& dispatcher, WorkerPool& workers, const ServerOptions& options)
    : thread_(thread),
      socket_(std::move(socket)),
      dispatcher_(dispatcher),
      workers_(workers),
      correspondents_(*options.correspondents),
      calls_in_flight_max_(options.calls_in_flight_max),
      bound_(endpoint_of(socket_)) {
    const int on = 1;
    if (bound_.address.v6)
        ::setsockopt(socket_.native_handle(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    else
        ::setsockopt(socket_.native_handle(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

void UdpSocket::start() {
    await_readable();
}

void UdpSocket::await_readable() {
    socket_.async_wait(boost::asio::socket_base::wait_read,
                       [self = shared_from_this()](const auto& error) {
                           if (!error) self->on_readable();
                       });
}

void UdpSocket::on_readable() {
    if (draining_ || !open_) return;
    try {
        for (int turn = 0; turn < datagrams_per_turn; ++turn)
            if (!receive()) break;
    } catch (const std::bad_alloc&) {
        spdlog::error("out of memory: a datagram is lost");
    }
    await_readable();
}

void UdpSocket::go_on() {
    boost::asio::post(thread_.context(), [self = shared_from_this()] { self->on_readable(); });
}

// Takes one datagram; false when there is none.
bool UdpSocket::receive() {
    if (!buffer_ || !buffer_->is_unique())
        buffer_ = Buffer::make(thread_.blocks(), datagram_bytes_max);
    sockaddr_storage storage{};
    Control control;
    iovec piece{buffer_->bytes().data(), buffer_->size()};
    msghdr message{};
    message.msg_name = &storage;
    message.msg_namelen = sizeof storage;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const auto count = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT);
    if (count < 0) return errno != EAGAIN && errno != EBADF;
    if ((message.msg_flags & MSG_TRUNC) != 0) return true;
    Endpoint local = bound_;
    read_local_address(message, local.address);
    const auto from = Endpoint::from(reinterpret_cast<sockaddr&>(storage));
    if (!is_forged(from)) answer(static_cast<std::size_t>(count), from, local);
    return true;
}

// No host has such an address, or such a port, to take the reply.
bool UdpSocket::is_forged(const Endpoint& from) {
    if (!from.address.is_mapped() && from.port != 0) return false;
    if (!std::exchange(is_forgery_told_, true))
        spdlog::warn("a datagram claims to come from {}; such are dropped", from.text());
    return true;
}

void UdpSocket::answer(std::size_t size, const Endpoint& from, const Endpoint& to) {
    if (in_flight_.load() >= calls_in_flight_max_) return;
    auto exchange = thread_.take_exchange();
    exchange->request = buffer_->bytes().first(size);
    exchange->request_owner = buffer_;
    exchange->path = shared_from_this();
    exchange->call.caller = from;
    exchange->call.local = to;
    exchange->call.transport = Transport::udp;
    exchange->call.reply_bytes_max = correspondents_.heard(from.address, size);
    exchange->call.correspondents = &correspondents_;
    switch (dispatcher_.handle(*exchange)) {
    case Verdict::reply: send(*exchange); [[fallthrough]];
    case Verdict::silent: thread_.give_exchange(std::move(exchange)); break;
    case Verdict::guarded:
        ++in_flight_;
        attempt(std::move(exchange));
        break;
    case Verdict::worker:
        ++in_flight_;
        workers_.submit(dispatcher_, std::move(exchange));
        break;
    }
}

// Runs a call here that should take no time, unless others have blocked.
void UdpSocket::attempt(ExchangePtr exchange) {
    if (!thread_.may_enter()) {
        workers_.submit(dispatcher_, std::move(exchange));
        return;
    }
    const auto section = thread_.enter(*this);
    const auto verdict = dispatcher_.attempt(*exchange);
    const bool is_still_ours = thread_.leave(section);
    if (verdict == Verdict::worker) {
        workers_.submit(dispatcher_, std::move(exchange));
    } else {
        settle(*exchange);
        if (is_still_ours) thread_.give_exchange(std::move(exchange));
    }
    if (!is_still_ours) throw NetworkThread::TakenOver{};
}

void UdpSocket::deliver(ExchangePtr finished) {
    settle(*finished);
}

// Sends the reply of a call that has come back. On any thread.
void UdpSocket::settle(const Exchange& finished) {
    if (finished.is_redirected) return;  // it came over TCP: there is no datagram to answer
    if (open_ && finished.reply.size() > 0) send(finished);
    --in_flight_;
}

void UdpSocket::send(const Exchange& exchange) {
    const auto& call = exchange.call;
    const bool is_too_long = exchange.reply.size() > call.reply_bytes_max;
    xdr::Writer refusal;
    if (is_too_long) {
        write_error(refusal, call.xid);
        spdlog::debug("{} {} from {}: the reply has {} bytes, too many for a datagram to somebody "
                      "who has not shown that it gets replies",
                      call.program.name, call.procedure.name, call.caller.text(),
                      exchange.reply.size());
    }
    std::array<iovec, 16> pieces;
    std::size_t piece_count = 0;
    bool fits = true;
    const auto& reply = is_too_long ? refusal : exchange.reply;
    reply.segments([&](std::span<const std::byte> piece) {
        if (piece_count == pieces.size())
            fits = false;
        else
            pieces[piece_count++] = {const_cast<std::byte*>(piece.data()), piece.size()};
    });
    sockaddr_storage storage{};
    Control control;
    msghdr message{};
    message.msg_name = &storage;
    message.msg_namelen =
        static_cast<socklen_t>(call.caller.to(reinterpret_cast<sockaddr&>(storage)));
    message.msg_iov = pieces.data();
    message.msg_iovlen = piece_count;
    write_local_address(message, control, call.local.address);
    if (!fits || ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        spdlog::debug("a reply of {} bytes to {} over UDP was lost", reply.size(),
                      call.caller.text());
}

void UdpSocket::drain() {
    draining_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void UdpSocket::close() {
    open_ = false;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace berth::rpc::net
