#include "rpc/interceptor.hpp"

#include <exception>

#include "rpc/exchange.hpp"
#include "rpc/peer_log.hpp"

namespace berth::rpc {

const Call& Intercepted::call() const noexcept {
    return exchange_->call;
}

std::span<const std::byte> Intercepted::request() const noexcept {
    return exchange_->request;
}

xdr::Reader Intercepted::arguments() const noexcept {
    return exchange_->arguments;
}

void Interception::begin(const Interceptors& by, Exchange& exchange, std::uint64_t number,
                         Arrival arrival) {
    by_ = &by;
    exchange_ = &exchange;
    begun_ = 0;
    is_open_ = true;
    has_run_ = false;
    call_.exchange_ = &exchange;
    call_.number_ = number;
    call_.arrival_ = arrival;
    call_.arrived_at_ = call_.began_at_ = Intercepted::Clock::now();
    std::chrono::nanoseconds delay{0};
    for (const auto& each : by) {
        ++begun_;
        decision = each->before(call_);
        delay += decision.delay();
        if (decision.act() != Decision::Act::go_on) break;
    }
    decision = std::move(decision).after(delay);
}

void Interception::run() noexcept {
    if (!std::exchange(has_run_, true)) call_.began_at_ = Intercepted::Clock::now();
}

void Interception::end(Ending ending) {
    if (!std::exchange(is_open_, false)) return;
    call_.ended_at_ = Intercepted::Clock::now();
    Reply reply{*exchange_};
    for (std::size_t i = 0; i < begun_; ++i) (*by_)[i]->after(call_, ending, reply);
}

void Interception::leave(Departure& departure) const {
    for (const auto& each : *by_) each->leaving(call_, departure);
}

void Interception::give_up() noexcept {
    if (by_ == nullptr) return;
    try {
        if (is_open_) {
            exchange_->reply.clear();
            end(Ending::given_up);
        }
    } catch (const std::exception& error) {
        error_often("an interceptor failed on an abandoned call: {}", error.what());
    }
    by_ = nullptr;
    decision = Decision::go_on();
}

}  // namespace berth::rpc
