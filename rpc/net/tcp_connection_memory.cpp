// How a connection holds memory of the budget, waits for more, and gives way.
#include <new>
#include <utility>

#include <poll.h>
#include <sys/ioctl.h>

#include <boost/asio/post.hpp>

#include "rpc/net/tcp_connection.hpp"
#include "rpc/peer_log.hpp"

namespace berth::rpc::net {

// Counts what the connection holds after a step, and tells the budget in what state it is.
void TcpConnection::count_up() {
    records_.charge(member_.account());
    if (!outbox_.is_empty()) outbox_.charge(member_.account());
    uncounted_bytes_ = 0;
    const bool holds = records_.has_part() || !outbox_.is_empty() || !odd_.empty();
    const bool was_idle = is_idle();
    member_.tell(holds, was_idle);
    // A worker may have sent the last reply meanwhile, and told that the connection is idle.
    if (!was_idle && is_idle()) member_.tell(holds, true);
}

bool TcpConnection::may_receive() const noexcept {
    if (is_stalled() || held_back_ || awaiting_turn_ || reading_pauses_) return false;
    return !records_.needs_memory() || member_.account()->has_room();
}

// A long record is mostly data to write: running it frees more memory than it takes.
bool TcpConnection::may_run(const Record& record) const noexcept {
    constexpr std::size_t long_bytes = 16384;
    if (record.bytes.size() >= long_bytes) return true;
    const auto& account = *member_.account();
    if (!account.has_room()) return false;
    // The memory that this connection frees goes to the client's other connections first, so that
    // all progress.
    return !account.is_waiting() || (calls_out_ == 0 && outbox_.is_empty());
}

void TcpConnection::wait_for_memory() {
    if (waits_for_memory_) return;
    context_.thread.wait_for_memory(shared_from_this());
    waits_for_memory_ = true;
    member_.account()->begin_waiting();
}

void TcpConnection::ask_again() noexcept {
    // Asked a hundred times a second; the check costs two system calls.
    constexpr unsigned between_looks = 32;
    if (is_open_ && ++asked_ % between_looks == 0 && can_never_end_record())
        close("ended within a record");
    try {
        if (is_open_ && !member_.account()->has_room())
            member_.budget()->relieve(*member_.account());
        // The connection counts as waiting until its turn comes.
        boost::asio::post(context_.thread.context(), [self = shared_from_this()] {
            self->waits_for_memory_ = false;
            self->member_.account()->end_waiting();
            if (self->is_open_) self->try_again();
        });
    } catch (const std::bad_alloc&) {
        close("out of memory");
    }
}

// Whether the peer has closed before it sent the rest of a record. A connection that does not read
// would not notice.
bool TcpConnection::can_never_end_record() {
    if (!records_.has_part()) return false;
    pollfd peer{socket_.native_handle(), POLLRDHUP, 0};
    int unread = 0;
    if (::poll(&peer, 1, 0) <= 0 || ::ioctl(peer.fd, FIONREAD, &unread) != 0) return false;
    return static_cast<std::size_t>(unread) < records_.missing_bytes();
}

// The connection holds memory that others need.
void TcpConnection::give_way(const char* reason) noexcept {
    ask_to_end([self = shared_from_this(), reason] { self->close(reason); });
}

// The connection has a place that others need. A call may have arrived since it was chosen.
void TcpConnection::give_way_if_idle(const char* reason) noexcept {
    ask_to_end([self = shared_from_this(), reason] {
        self->is_idle() ? self->close(reason) : self->member_.stay();
    });
}

bool TcpConnection::is_idle() const noexcept {
    return calls_out_ == 0 && outbox_.is_empty() && !held_back_ && !waits_for_memory_;
}

// Part of a record, or replies that the client does not read, do not keep a connection alive.
void TcpConnection::end_if_idle(std::chrono::seconds idle_max) {
    if (calls_out_ > 0 || held_back_ || waits_for_memory_) return;
    if (member_.budget()->now() - member_.moved_at() >= idle_max) close("idle");
}

void TcpConnection::take_turn() {
    awaiting_turn_->turn = Budget::Turn{*member_.budget()};
    if (awaiting_turn_->turn)
        submit(std::move(awaiting_turn_));
    else
        wait_for_memory();
}

}  // namespace berth::rpc::net
