// Exchanges that workers have finished or interceptors have delayed, and replies as they leave or
// are dropped.
#include <chrono>
#include <memory>
#include <new>
#include <utility>

#include <boost/asio/post.hpp>
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
    if (!exchange->interception) {
        push(std::move(exchange));
        push_those_behind();
        return;
    }
    Departure departure{local_, peer_, Transport::tcp, exchange->reply};
    exchange->interception.leave(departure);
    const Leaving leaving{departure};
    if (departure.delay.count() == 0) return leave(std::move(exchange), leaving);
    ++calls_out_;
    delay(std::move(exchange), departure.delay, [this, leaving](ExchangePtr delayed) {
        --calls_out_;
        if (is_open_)
            leave(std::move(delayed), leaving);
        else
            context_.thread.give_exchange(std::move(delayed));
    });
}

void TcpConnection::push(ExchangePtr exchange) {
    exchange->path.reset();  // no reply may keep its own connection alive
    exchange->newest_path.reset();
    // A client that is slow to read must not keep its requests in memory as well.
    if (exchange->reply.owns_all()) {
        exchange->request = {};
        exchange->request_owner.reset();
    }
    if (!odd_.empty() && exchange->bytes_sent == 0) {
        push_odd(exchange->reply, {}, Departure::Act::send);
        context_.thread.give_exchange(std::move(exchange));
        return;
    }
    uncounted_bytes_ += exchange->share.has_account() ? 0 : exchange->memory_bytes();
    outbox_.push(std::move(exchange));
    if (uncounted_bytes_ < uncounted_bytes_max) return;
    outbox_.charge(member_.account());
    uncounted_bytes_ = 0;
}

void TcpConnection::deliver(ExchangePtr finished) {
    finished->path.reset();  // no call may keep its own connection alive
    finished->count_reply();
    if (may_send_now(*finished) && sender_.send_now(*finished) == RecordSender::Now::sent)
        end_sent(std::move(finished));
    else
        return_to_thread(std::move(finished));
}

// The call still counts, so this connection can't go on. A client sends again what a connection
// that ends has left open.
void TcpConnection::lose_call() noexcept {
    give_way("a call was lost");
}

// The network thread sends large replies, those that interceptors look at, and those that another
// connection may have to send. While more calls of the connection run, it also sends theirs
// together, which costs less than the wake-up.
bool TcpConnection::may_send_now(const Exchange& finished) const noexcept {
    constexpr std::size_t bytes_max = std::size_t{64} << 10;
    const auto size = finished.reply.size();
    return calls_out_ == 1 && size > 0 && size <= bytes_max && !finished.interception &&
           !finished.is_redirected && (!finished.newest_path || finished.newest_path.get() == this);
}

// A worker has sent the reply. The network thread is told if it waits for that.
void TcpConnection::end_sent(ExchangePtr sent) {
    member_.moved();
    count_down(*sent);
    if (calls_out_ == 0) member_.end_work();
    sent->reset();
    {
        const std::scoped_lock held{finished_lock_};
        if (spent_.size() < spent_max) spent_.push_back(std::move(sent));
    }
    has_spent_ = true;
    if (wants_word_) go_on();
}

void TcpConnection::count_down(const Exchange& finished) noexcept {
    bytes_out_ -= finished.request.size() + finished.reply_bytes_expected;
    --calls_out_;
}

void TcpConnection::return_to_thread(ExchangePtr finished) {
    try {
        const std::scoped_lock held{finished_lock_};
        finished_.push_back(std::move(finished));
        // One wake-up collects everything that is finished by then.
        if (is_collecting_) return;
        boost::asio::post(context_.thread.context(), [self = shared_from_this()] {
            self->take_step([&] { self->collect_finished(); });
        });
        is_collecting_ = true;
    } catch (const std::bad_alloc&) {
        lose_call();
        throw;
    }
}

void TcpConnection::collect_finished() {
    std::vector<ExchangePtr> finished;
    {
        const std::scoped_lock held{finished_lock_};
        finished.swap(finished_);
        is_collecting_ = false;
    }
    for (auto& exchange : finished) complete(std::move(exchange));
    if (is_open_) advance();
}

void TcpConnection::take_back_spent() noexcept {
    if (!has_spent_.load(std::memory_order_relaxed)) return;
    const std::scoped_lock held{finished_lock_};
    has_spent_ = false;
    for (auto& exchange : spent_) context_.thread.give_exchange(std::move(exchange));
    spent_.clear();
}

}  // namespace berth::rpc::net
