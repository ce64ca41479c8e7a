#include "rpc/net/tcp_connection.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "rpc/peer_log.hpp"

namespace berth::rpc::net {

namespace {

// The most reads in a row by one connection; then the thread's other connections get their turn.
constexpr int reads_per_turn = 8;
// Replies are sent together, but no more of them than stay in the processor's cache until then.
constexpr std::size_t send_at_bytes = std::size_t{512} << 10;

Endpoint local_endpoint_of(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto& address = reinterpret_cast<sockaddr&>(storage);
    if (::getsockname(descriptor, &address, &size) != 0) return {};
    return Endpoint::from(address);
}

/// Why a connection ends from which nothing can be read. Clients end connections as they like: none
/// of this is worth more than a line for debugging.
const char* how_it_ended(int error) noexcept {
    switch (error) {
    case ECONNRESET:
    case EPIPE: return "reset by the client";
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN: return "the client can't be reached any more";
    default: return "the socket failed";
    }
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
      member_(context.options.budget, peer.address, *this),
      records_(context.thread.blocks(), context.options.records),
      sender_(socket_.native_handle()) {
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
    context_.thread.end_idle_after(context_.options.idle_max);
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

void TcpConnection::try_again() {
    take_step([this] { advance(); });
}

void TcpConnection::on_readable() {
    for (int turn = 0; turn < reads_per_turn && may_receive(); ++turn) {
        const bool more = receive();
        if (!is_open_) return;
        if (!answer_records()) return;
        if (!more) break;
    }
    advance();
}

// Reads once. True if there may be more to read.
bool TcpConnection::receive() {
    auto space = records_.space();
    if (read_rate_ > 0) space = space.first(std::min<std::size_t>(space.size(), paced_bytes()));
    const auto count = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (count > 0) {
        member_.moved();
        records_.received(static_cast<std::size_t>(count));
        if (read_rate_ > 0) pause_reading(static_cast<std::size_t>(count));
        return static_cast<std::size_t>(count) == space.size();
    }
    if (count == 0)
        draining_ = at_end_ = true;  // the client may still read: answer what it has asked
    else if (errno != EAGAIN && errno != EINTR)
        close(how_it_ended(errno));
    return false;
}

// Answers what has arrived and sends replies, until nothing is left to do without waiting.
void TcpConnection::advance() {
    take_back_spent();
    if (draining_) push_those_behind();  // nothing will come before them
    if (awaiting_turn_) take_turn();
    for (bool again = true; again;) {
        if (!answer_records()) return;
        const bool was_stalled = is_stalled();
        const bool wants_word = was_stalled || held_back_ || awaiting_turn_ || draining_;
        if (wants_word != wants_word_) wants_word_ = wants_word;
        send_waiting();
        if (!is_open_) return;
        again = was_stalled && !is_stalled();
    }
    if (draining_ && outbox_.is_empty() && calls_out_ == 0 && !held_back_) {
        close(at_end_ ? "closed by the client" : "drained");
        return;
    }
    // Reads on when calls are answered or there is memory; until then TCP holds the client back.
    records_.rest();
    if (is_stalled() || held_back_ || awaiting_turn_ || reading_pauses_) return;
    may_receive() ? await_readable() : wait_for_memory();
}

bool TcpConnection::is_stalled() const noexcept {
    return calls_out_ + outbox_.size() >= context_.options.calls_in_flight_max ||
           bytes_out_ + outbox_.bytes() >= context_.options.bytes_in_flight_max;
}

// False: the connection has been closed.
bool TcpConnection::answer_records() {
    for (bool has_room = false; !is_stalled() && !awaiting_turn_;) {
        auto record = next_record();
        if (!record) break;
        if (!has_room && !may_run(*record)) {
            held_back_ = std::move(record);
            wait_for_memory();
            break;
        }
        const auto calls_before = calls_out_.load();
        take(*std::move(record));
        // The replies of calls that ended here have not been counted yet, so nothing has changed.
        has_room = calls_out_ == calls_before && uncounted_bytes_ > 0;
        if (outbox_.bytes() >= send_at_bytes && !writing_) send_waiting();
        if (!is_open_) return false;
    }
    if (!records_.is_broken()) return true;
    info_of(peer_.address, "{} sent data that is no RPC record; closing its connection", peer_);
    close("not a record");
    return false;
}

std::optional<Record> TcpConnection::next_record() {
    return held_back_ ? std::exchange(held_back_, {}) : records_.next();
}

void TcpConnection::take(Record record) {
    auto exchange = context_.thread.take_exchange();
    exchange->request = record.bytes;
    exchange->request_owner = std::move(record.owner);
    exchange->arrived_by = this;
    exchange->call.caller = peer_;
    exchange->call.local = local_;
    exchange->call.transport = Transport::tcp;
    const auto verdict = context_.dispatcher.handle(*exchange);
    if (exchange->interception) {
        const auto rate = exchange->interception.decision.read_rate();
        if (rate > 0) read_rate_ = rate;
    }
    switch (verdict) {
    case Verdict::reply: queue(std::move(exchange)); break;
    case Verdict::silent: context_.thread.give_exchange(std::move(exchange)); break;
    case Verdict::guarded:
    case Verdict::worker:
    case Verdict::delayed:
        begin_call(record);
        exchange->keep_path();
        go_on_with(std::move(exchange), verdict);
        break;
    }
}

void TcpConnection::begin_call(const Record& record) noexcept {
    ++calls_out_;
    bytes_out_ += record.bytes.size();
    member_.begin_work();
}

// Runs a call here that should take no time, unless it has much to do or others have blocked.
void TcpConnection::attempt(ExchangePtr exchange) {
    constexpr std::size_t request_bytes_max = std::size_t{128} << 10;
    auto& thread = context_.thread;
    if (exchange->request.size() > request_bytes_max || !thread.may_enter()) {
        hand_over(std::move(exchange));
        return;
    }
    NetworkThread::Section section{thread, *this};
    const auto verdict = context_.dispatcher.attempt(*exchange);
    if (!section.end()) {
        if (verdict == Verdict::worker) {
            exchange->reply_bytes_expected = 0;  // this thread may no longer count it
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
        complete(std::move(exchange));
}

void TcpConnection::hand_over(ExchangePtr exchange) {
    bytes_out_ += exchange->reply_bytes_expected;
    exchange->charge(member_.account(), exchange->reply_bytes_expected);
    if (exchange->procedure->id.length == Length::any) {
        awaiting_turn_ = std::move(exchange);
        take_turn();
        return;
    }
    submit(std::move(exchange));
}

void TcpConnection::submit(ExchangePtr exchange) {
    context_.workers.submit(context_.dispatcher, std::move(exchange));
}

void TcpConnection::send_waiting() {
    if (!outbox_.is_empty()) send_outbox();
    if (is_open_ && outbox_.is_empty() && !odd_.empty() && !odd_pauses_) send_odd();
}

void TcpConnection::send_outbox() {
    const auto end = sender_.send(
        outbox_, [this](ExchangePtr sent) { context_.thread.give_exchange(std::move(sent)); },
        [this] { member_.moved(); });
    switch (end) {
    case RecordSender::End::sent:
    case RecordSender::End::must_wait: break;
    case RecordSender::End::would_block: await_writable(); break;
    case RecordSender::End::failed: close("the client takes no more replies"); break;
    }
}

// Takes a call that a worker has returned: sends its reply, or passes it to the newest path.
void TcpConnection::complete(ExchangePtr finished) {
    if (!finished->is_redirected) count_down(*finished);  // otherwise another has counted it
    // A client that asked again over another connection may have given this one up unnoticed.
    if (const auto newest = std::exchange(finished->newest_path, {});
        newest && newest.get() != this) {
        finished->is_redirected = true;
        finished->charge(member_.account());  // at the client that owns the request's bytes
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
    sender_.close();
    boost::system::error_code ignored;
    socket_.close(ignored);
    outbox_.clear(
        [this](ExchangePtr exchange) { context_.thread.give_exchange(std::move(exchange)); });
    held_back_.reset();
    odd_.clear();
    behind_.clear();
    if (awaiting_turn_) {
        context_.dispatcher.give_up(*awaiting_turn_);
        context_.thread.give_exchange(std::move(awaiting_turn_));
    }
    records_.end();
    context_.thread.connections.erase(shared_from_this());
}

}  // namespace berth::rpc::net
