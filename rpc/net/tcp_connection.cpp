#include "rpc/net/tcp_connection.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace berth::rpc::net {

namespace {

// One connection may not keep its thread from the others for longer than this many reads.
constexpr int reads_per_turn = 8;
// Replies are sent together, but not more than the processor's own cache keeps until then.
constexpr std::size_t send_at_bytes = std::size_t{512} << 10;

Endpoint local_endpoint_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto& address = reinterpret_cast<sockaddr&>(storage);
    if (::getsockname(descriptor, &address, &size) != 0) return {};
    return Endpoint::from(address);
}

void switch_on(int descriptor, int level, int option) {
    const int on = 1;
    ::setsockopt(descriptor, level, option, &on, sizeof on);
}

}  // namespace

TcpConnection::TcpConnection(const Context& context, boost::asio::ip::tcp::socket socket,
                             const Endpoint& peer)
    : context_(context),
      socket_(std::move(socket)),
      peer_(peer),
      correspondent_(*context.options.correspondents, peer.address),
      records_(context.thread.blocks(), context.options.records) {
    context_.connection_count.fetch_add(1, std::memory_order_relaxed);
    const auto descriptor = socket_.native_handle();
    local_ = local_endpoint_of(descriptor);
    switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    switch_on(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
}

TcpConnection::~TcpConnection() {
    context_.connection_count.fetch_sub(1, std::memory_order_relaxed);
}

void TcpConnection::start() {
    spdlog::debug("connection from {}", peer_.text());
    context_.thread.connections.insert(shared_from_this());
    await_readable();
}

void TcpConnection::await_readable() {
    if (reading_ || draining_) return;
    reading_ = true;
    socket_.async_wait(boost::asio::socket_base::wait_read,
                       [self = shared_from_this()](const auto& error) {
                           self->reading_ = false;
                           if (!error && self->is_open_ && !self->draining_)
                               self->take_step([&] { self->on_readable(); });
                       });
}

void TcpConnection::await_writable() {
    if (writing_) return;
    writing_ = true;
    socket_.async_wait(boost::asio::socket_base::wait_write,
                       [self = shared_from_this()](const auto& error) {
                           self->writing_ = false;
                           if (!error && self->is_open_) self->take_step([&] { self->advance(); });
                       });
}

// Without memory this connection ends, and not the server.
template <class Step>
void TcpConnection::take_step(Step step) {
    try {
        step();
    } catch (const std::bad_alloc&) {
        spdlog::error("out of memory; closing the connection from {}", peer_.text());
        close("out of memory");
    }
}

void TcpConnection::on_readable() {
    for (int turn = 0; turn < reads_per_turn && !is_stalled(); ++turn) {
        const bool more = receive();
        if (!is_open_) return;
        if (!answer_records()) return;
        if (!more) break;
    }
    advance();
}

// Reads once; whether more may be there.
bool TcpConnection::receive() {
    const auto space = records_.space();
    const auto count = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (count > 0) {
        records_.received(static_cast<std::size_t>(count));
        return static_cast<std::size_t>(count) == space.size();
    }
    if (count == 0)
        draining_ = at_end_ = true;  // what was asked is still answered: only its sending has ended
    else if (errno != EAGAIN && errno != EINTR)
        close("receive failed");
    return false;
}

// Answers what has arrived and sends, until there is nothing left to do without waiting.
void TcpConnection::advance() {
    for (bool again = true; again;) {
        if (!answer_records()) return;
        const bool was_stalled = is_stalled();
        send_waiting();
        if (!is_open_) return;
        again = was_stalled && !is_stalled();
    }
    if (draining_ && outbox_.is_empty() && calls_out_ == 0) {
        close(at_end_ ? "closed by the client" : "drained");
        return;
    }
    if (is_stalled())
        return;  // read on when calls are answered: until then TCP holds the client back
    records_.rest();
    await_readable();
}

bool TcpConnection::is_stalled() const noexcept {
    return calls_out_ + outbox_.size() >= context_.options.calls_in_flight_max ||
           bytes_out_ + outbox_.bytes() >= context_.options.bytes_in_flight_max;
}

// False: the connection has been closed.
bool TcpConnection::answer_records() {
    while (!is_stalled()) {
        const auto record = records_.next();
        if (!record) break;
        take(*record);
        if (outbox_.bytes() >= send_at_bytes && !writing_) send_waiting();
        if (!is_open_) return false;
    }
    if (!records_.is_broken()) return true;
    spdlog::warn("{} sent no RPC record; closing its connection", peer_.text());
    close("not a record");
    return false;
}

void TcpConnection::take(const Record& record) {
    auto exchange = context_.thread.take_exchange();
    exchange->request = record.bytes;
    exchange->request_owner = record.owner;
    exchange->path = shared_from_this();
    exchange->call.caller = peer_;
    exchange->call.local = local_;
    exchange->call.transport = Transport::tcp;
    switch (context_.dispatcher.handle(*exchange)) {
    case Verdict::reply: queue(std::move(exchange)); break;
    case Verdict::silent: context_.thread.give_exchange(std::move(exchange)); break;
    case Verdict::guarded:
        ++calls_out_;
        bytes_out_ += record.bytes.size();
        attempt(std::move(exchange));
        break;
    case Verdict::worker:
        ++calls_out_;
        bytes_out_ += record.bytes.size();
        hand_over(std::move(exchange));
        break;
    }
}

// Runs a call here that should take no time, unless it has much to do or others have blocked.
void TcpConnection::attempt(ExchangePtr exchange) {
    constexpr std::size_t request_bytes_max = std::size_t{128} << 10;
    auto& thread = context_.thread;
    if (exchange->request.size() > request_bytes_max || !thread.may_enter()) {
        hand_over(std::move(exchange));
        return;
    }
    const auto section = thread.enter(*this);
    const auto verdict = context_.dispatcher.attempt(*exchange);
    if (!thread.leave(section)) {
        if (verdict == Verdict::worker) {
            exchange->reply_bytes_expected = 0;  // whoever counts, it is not us any more
            submit(std::move(exchange));
        } else {
            const auto path = exchange->path;
            path->deliver(std::move(exchange));
        }
        throw NetworkThread::TakenOver{};
    }
    if (verdict == Verdict::worker)
        hand_over(std::move(exchange));
    else
        settle(std::move(exchange));
}

void TcpConnection::hand_over(ExchangePtr exchange) {
    bytes_out_ += exchange->reply_bytes_expected;
    submit(std::move(exchange));
}

void TcpConnection::submit(ExchangePtr exchange) {
    context_.workers.submit(context_.dispatcher, std::move(exchange));
}

void TcpConnection::queue(ExchangePtr exchange) {
    exchange->path.reset();  // nothing of ours may keep us alive
    exchange->newest_path.reset();
    // A client that is slow to read shall not keep its calls in memory as well.
    if (exchange->reply.owns_all()) {
        exchange->request = {};
        exchange->request_owner.reset();
    }
    outbox_.push(std::move(exchange));
}

void TcpConnection::send_waiting() {
    constexpr std::size_t pieces_max = 256;
    std::array<iovec, pieces_max> pieces;
    while (!outbox_.is_empty()) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = outbox_.gather(pieces);
        const auto count =
            ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) {
            await_writable();
            return;
        }
        if (count < 0) {
            close("send failed");
            return;
        }
        outbox_.sent(static_cast<std::size_t>(count),
                     [this](ExchangePtr sent) { context_.thread.give_exchange(std::move(sent)); });
    }
}

void TcpConnection::deliver(ExchangePtr finished) {
    finished->path.reset();  // nothing of ours may keep us alive
    bool first = false;
    {
        const std::scoped_lock held{finished_lock_};
        first = finished_.empty();
        finished_.push_back(std::move(finished));
    }
    // One wake-up collects all that is finished by then.
    if (first)
        boost::asio::post(context_.thread.context(), [self = shared_from_this()] {
            self->take_step([&] { self->collect_finished(); });
        });
}

void TcpConnection::collect_finished() {
    std::vector<ExchangePtr> finished;
    {
        const std::scoped_lock held{finished_lock_};
        finished.swap(finished_);
    }
    for (auto& exchange : finished) settle(std::move(exchange));
    if (is_open_) advance();
}

// What is to become of a call that has come back.
void TcpConnection::settle(ExchangePtr finished) {
    if (!finished->is_redirected) {  // else another connection has counted it
        --calls_out_;
        bytes_out_ -= finished->request.size() + finished->reply_bytes_expected;
    }
    // Who asked again over another connection may have given this one up without our knowing.
    if (const auto newest = std::exchange(finished->newest_path, {});
        newest && newest.get() != this) {
        finished->is_redirected = true;
        newest->deliver(std::move(finished));
    } else if (is_open_ && finished->reply.size() > 0) {
        queue(std::move(finished));
    } else {
        context_.thread.give_exchange(std::move(finished));
    }
}

void TcpConnection::go_on() {
    boost::asio::post(context_.thread.context(), [self = shared_from_this()] {
        if (self->is_open_) self->take_step([&] { self->advance(); });
    });
}

void TcpConnection::drain() {
    draining_ = true;
    go_on();
}

void TcpConnection::close(const char* reason) {
    if (!std::exchange(is_open_, false)) return;
    spdlog::debug("connection from {} ended: {}", peer_.text(), reason);
    boost::system::error_code ignored;
    socket_.close(ignored);
    outbox_.clear(
        [this](ExchangePtr exchange) { context_.thread.give_exchange(std::move(exchange)); });
    context_.thread.connections.erase(shared_from_this());
}

}  // namespace berth::rpc::net
