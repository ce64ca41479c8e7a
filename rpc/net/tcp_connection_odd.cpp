// What interceptors order: replies that leave otherwise than at once, in order and whole, calls
// that arrive slowly, and connections that end.
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>

#include "rpc/net/tcp_connection.hpp"

namespace berth::rpc::net {
namespace {

constexpr std::chrono::nanoseconds second = std::chrono::seconds{1};

}  // namespace

void TcpConnection::leave(ExchangePtr exchange, const Leaving& leaving) {
    const bool ends = leaving.act == Departure::Act::close || leaving.act == Departure::Act::reset;
    if (leaving.act == Departure::Act::drop || (ends && !leaving.manner.cut_at)) {
        context_.thread.give_exchange(std::move(exchange));
        end_by(leaving.act);
        return;
    }
    if (leaving.is_behind_next) {
        ++calls_out_;
        exchange->charge(member_.account());
        behind_.emplace_back(std::move(exchange), leaving);
        return;
    }
    if (!leaving.manner.is_usual()) {
        for (unsigned i = 0; i <= leaving.copies; ++i)
            push_odd(exchange->reply, leaving.manner, leaving.act);
        context_.thread.give_exchange(std::move(exchange));
    } else {
        std::vector<std::byte> message;
        if (leaving.copies > 0) message = exchange->reply.flat();
        push(std::move(exchange));
        for (unsigned i = 0; i < leaving.copies; ++i) {
            auto copy = context_.thread.take_exchange();
            copy->reply.fixed(message);
            push(std::move(copy));
        }
    }
    push_those_behind();
}

void TcpConnection::push_odd(const xdr::Writer& message, const Manner& manner,
                             Departure::Act then) {
    odd_.emplace_back(message, manner, then).charge(member_.account());
    ++calls_out_;
}

void TcpConnection::push_those_behind() {
    for (auto& [exchange, leaving] : std::exchange(behind_, {})) {
        --calls_out_;
        leaving.is_behind_next = false;
        if (is_open_)
            leave(std::move(exchange), leaving);
        else
            context_.thread.give_exchange(std::move(exchange));
    }
}

void TcpConnection::send_odd() {
    while (is_open_ && !odd_.empty()) {
        const auto step = odd_.front().send_some(sender_);
        switch (step) {
        case OddRecord::Step::done: {
            const auto then = odd_.front().then();
            odd_.pop_front();
            --calls_out_;
            member_.moved();
            end_by(then);
            break;
        }
        case OddRecord::Step::again:
        case OddRecord::Step::paused:
            member_.moved();
            odd_pauses_ = true;
            pause(step == OddRecord::Step::paused ? odd_.front().pause() : second / 1000,
                  odd_pauses_);
            return;
        case OddRecord::Step::would_block: return await_writable();
        case OddRecord::Step::must_wait: return;
        case OddRecord::Step::failed: return close("the client takes no more replies");
        }
    }
}

// Goes on after that time, when `pauses` is false again.
void TcpConnection::pause(std::chrono::nanoseconds time, bool& pauses) {
    auto timer = std::make_unique<boost::asio::steady_timer>(context_.thread.context(), time);
    auto& started = *timer;
    started.async_wait([self = shared_from_this(), timer = std::move(timer), &pauses](const auto&) {
        pauses = false;
        if (self->is_open_) self->try_again();
    });
}

// In pieces that come some times a second.
std::size_t TcpConnection::paced_bytes() const noexcept {
    constexpr std::uint64_t pieces_per_second = 20;
    return std::max<std::uint64_t>(1, read_rate_ / pieces_per_second);
}

void TcpConnection::pause_reading(std::size_t received) {
    reading_pauses_ = true;
    pause(std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(
              static_cast<double>(second.count()) * static_cast<double>(received) /
              static_cast<double>(read_rate_))},
          reading_pauses_);
}

void TcpConnection::end_by(Departure::Act act) {
    if (act == Departure::Act::reset) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    if (act == Departure::Act::close || act == Departure::Act::reset)
        close("an interceptor ends it");
}

void TcpConnection::reset() noexcept {
    ask_to_end([self = shared_from_this()] {
        if (self->is_open_) self->end_by(Departure::Act::reset);
    });
}

}  // namespace berth::rpc::net
