// Exchanges that interceptors have delayed, and replies as they leave or are dropped.
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "rpc/net/tcp_connection.hpp"

namespace berth::rpc::net {

namespace {

// The limit on memory of uncounted replies. Replies that are sent at once hold none.
constexpr std::size_t uncounted_bytes_max = std::size_t{512} << 10;

}  // namespace

// Calls `step` with the exchange after a delay; the connection may be closed by then.
template <class Step>
void TcpConnection::delay(ExchangePtr exchange, std::chrono::nanoseconds time, Step step) {
    exchange->charge(member_.account());
    auto timer = std::make_unique<boost::asio::steady_timer>(context_.thread.context(), time);
    auto& started = *timer;
    started.async_wait([self = shared_from_this(), timer = std::move(timer),
                        exchange = std::move(exchange), step](const auto&) mutable {
        self->take_step([&] {
            step(std::move(exchange));
            if (self->is_open_) self->advance();
        });
    });
}

// To be called for a call in calls_out_.
void TcpConnection::go_on_with(ExchangePtr exchange, Verdict verdict) {
    switch (verdict) {
    case Verdict::reply:
    case Verdict::silent: complete(std::move(exchange)); break;
    case Verdict::guarded: attempt(std::move(exchange)); break;
    case Verdict::worker: hand_over(std::move(exchange)); break;
    case Verdict::delayed: {
        const auto time = exchange->interception.decision.delay();
        delay(std::move(exchange), time, [this](ExchangePtr delayed) {
            const auto next = context_.dispatcher.resume(*delayed);
            go_on_with(std::move(delayed), next);
        });
        break;
    }
    }
}

void TcpConnection::queue(ExchangePtr exchange) {
    if (!exchange->interception || may_leave(exchange)) push(std::move(exchange));
}

// False: the reply has been dropped, or is delayed.
bool TcpConnection::may_leave(ExchangePtr& exchange) {
    Departure departure{local_, peer_, Transport::tcp, exchange->reply};
    exchange->interception.leave(departure);
    if (departure.act == Departure::Act::send && departure.delay.count() == 0) return true;
    ++calls_out_;
    const auto act = [this, is_sent = departure.act == Departure::Act::send,
                      closes = departure.act == Departure::Act::close](ExchangePtr delayed) {
        --calls_out_;
        if (is_sent && is_open_) {
            push(std::move(delayed));
            return;
        }
        context_.thread.give_exchange(std::move(delayed));
        if (closes) close("an interceptor closes it");
    };
    if (departure.delay.count() > 0)
        delay(std::move(exchange), departure.delay, act);
    else
        act(std::move(exchange));
    return false;
}

void TcpConnection::push(ExchangePtr exchange) {
    exchange->path.reset();  // no reply may keep its own connection alive
    exchange->newest_path.reset();
    // A client that is slow to read must not keep its requests in memory as well.
    if (exchange->reply.owns_all()) {
        exchange->request = {};
        exchange->request_owner.reset();
    }
    uncounted_bytes_ += exchange->share.has_account() ? 0 : exchange->memory_bytes();
    outbox_.push(std::move(exchange));
    if (uncounted_bytes_ < uncounted_bytes_max) return;
    outbox_.charge(member_.account());
    uncounted_bytes_ = 0;
}

}  // namespace berth::rpc::net
