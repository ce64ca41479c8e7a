#include "rpc/net/udp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <tuple>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "rpc/message.hpp"
#include "rpc/peer_log.hpp"
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

/// The address that a datagram was sent to; for a broadcast, the local address that it reached.
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

/// Makes a datagram leave from `local`.
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
      budget_(*options.budget),
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
    } catch (const std::exception& error) {
        if (NetworkThread::is_taken_over()) throw;
        error_often("lost a datagram: {}", error.what());
    }
    await_readable();
}

void UdpSocket::go_on() {
    boost::asio::post(thread_.context(), [self = shared_from_this()] { self->on_readable(); });
}

// Takes one datagram; false if there is none.
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

// No host with such an address or port exists to take the reply.
bool UdpSocket::is_forged(const Endpoint& from) {
    if (!from.address.is_mapped() && from.port != 0) return false;
    warn_often("dropped a datagram with the impossible source {}", from);
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
    const auto verdict = dispatcher_.handle(*exchange);
    go_on_with(std::move(exchange), verdict);
}

void UdpSocket::go_on_with(ExchangePtr exchange, Verdict verdict) {
    switch (verdict) {
    case Verdict::reply: exchange = complete(std::move(exchange)); [[fallthrough]];
    case Verdict::silent:
        if (exchange) thread_.give_exchange(std::move(exchange));
        break;
    case Verdict::guarded:
        exchange->in_flight = Counted{in_flight_};
        attempt(std::move(exchange));
        break;
    case Verdict::worker:
        exchange->in_flight = Counted{in_flight_};
        hand_over(std::move(exchange));
        break;
    case Verdict::delayed: {
        exchange->in_flight = Counted{in_flight_};
        const auto time = exchange->interception.decision.delay();
        delay(std::move(exchange), time, [this](ExchangePtr delayed) {
            const auto next = dispatcher_.resume(*delayed);
            go_on_with(std::move(delayed), next);
        });
        break;
    }
    }
}

// Calls `step` with the exchange on the network thread, after a delay. Any thread.
template <class Step>
void UdpSocket::delay(ExchangePtr exchange, std::chrono::nanoseconds time, Step step) {
    exchange->charge(budget_.account(exchange->call.caller.address));
    auto timer = std::make_unique<boost::asio::steady_timer>(thread_.context(), time);
    auto& started = *timer;
    started.async_wait([self = shared_from_this(), timer = std::move(timer),
                        exchange = std::move(exchange),
                        step](const auto&) mutable { step(std::move(exchange)); });
}

// Runs a call here that should take no time, unless others have blocked.
void UdpSocket::attempt(ExchangePtr exchange) {
    if (!thread_.may_enter()) {
        hand_over(std::move(exchange));
        return;
    }
    NetworkThread::Section section{thread_, *this};
    const auto verdict = dispatcher_.attempt(*exchange);
    const bool is_still_ours = section.end();
    if (verdict == Verdict::worker) {
        hand_over(std::move(exchange));
    } else {
        exchange = complete(std::move(exchange));
        if (is_still_ours && exchange) thread_.give_exchange(std::move(exchange));
    }
    if (!is_still_ours) throw NetworkThread::TakenOver{};
}

// Gives a call to the workers, or drops it if its client has no room: the client will send it
// again.
void UdpSocket::hand_over(ExchangePtr exchange) {
    const auto account = budget_.account(exchange->call.caller.address);
    bool may_run = account->has_room();
    if (may_run && exchange->procedure->id.length == Length::any) {
        exchange->turn = Budget::Turn{budget_};
        may_run = static_cast<bool>(exchange->turn);
    }
    if (!may_run) {
        budget_.relieve(*account);
        Dispatcher::give_up(*exchange);
        return;
    }
    exchange->charge(account, exchange->reply_bytes_expected);
    workers_.submit(dispatcher_, std::move(exchange));
}

void UdpSocket::deliver(ExchangePtr finished) {
    finished->count_reply();  // before the client can ask again: a turn that is taken costs a call
    std::ignore = complete(std::move(finished));
}

// Sends the reply of a returned call, and returns the exchange if it can be reused. Any thread.
ExchangePtr UdpSocket::complete(ExchangePtr finished) {
    if (finished->is_redirected)
        return finished;  // it came over TCP: there is no datagram to answer
    if (!open_ || finished->reply.size() == 0) return finished;
    if (finished->interception) return leave(std::move(finished));
    send(*finished);
    return finished;
}

ExchangePtr UdpSocket::leave(ExchangePtr exchange) {
    const auto& call = exchange->call;
    Departure departure{call.local, call.caller, Transport::udp, exchange->reply};
    exchange->interception.leave(departure);
    if (departure.act != Departure::Act::send) return exchange;
    if (departure.source) exchange->call.local.address = *departure.source;
    if (departure.delay.count() > 0) {
        if (!exchange->in_flight) exchange->in_flight = Counted{in_flight_};
        delay(std::move(exchange), departure.delay,
              [this, copies = departure.copies](ExchangePtr delayed) {
                  for (unsigned i = 0; i <= copies && open_; ++i) send(*delayed);
                  thread_.give_exchange(std::move(delayed));
              });
        return {};
    }
    for (unsigned i = 0; i <= departure.copies; ++i) send(*exchange);
    return exchange;
}

void UdpSocket::send(const Exchange& exchange) {
    const auto& call = exchange.call;
    const bool is_too_long = exchange.reply.size() > call.reply_bytes_max;
    xdr::Writer refusal;
    if (is_too_long) {
        write_error(refusal, call.xid);
        spdlog::debug("{} {} from {}: the reply has {} bytes, too many for UDP to a client "
                      "that has not proved that it "
                      "receives replies",
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
