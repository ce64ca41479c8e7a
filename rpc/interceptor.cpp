#include "rpc/interceptor.hpp"

#include <algorithm>
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

std::vector<std::byte> Intercepted::failure(std::uint32_t status) const {
    const auto* const procedure = exchange_->procedure;
    if (arrival_ == Arrival::refused || procedure->failure_of == nullptr) return {};
    return procedure->failure_of(status, arguments());
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
    std::uint64_t read_rate = 0;
    for (const auto& each : by) {
        ++begun_;
        decision = each->before(call_);
        delay += decision.delay();
        read_rate = std::max(read_rate, decision.read_rate());
        gates_.insert(gates_.end(), decision.gates().begin(), decision.gates().end());
        if (decision.follower()) followers_.push_back(decision.follower());
        if (decision.act() != Decision::Act::go_on) break;
    }
    decision = std::move(decision).after(delay).reading_at(read_rate);
}

void Interception::run() noexcept {
    if (!std::exchange(has_run_, true)) call_.began_at_ = Intercepted::Clock::now();
}

void Interception::end(Ending ending) {
    if (!std::exchange(is_open_, false)) return;
    call_.ended_at_ = Intercepted::Clock::now();
    Reply reply{*exchange_};
    for (std::size_t i = 0; i < begun_; ++i) (*by_)[i]->after(call_, ending, reply);
    for (const auto& each : followers_) each->after(call_, ending, reply);
}

void Interception::leave(Departure& departure) const {
    for (const auto& each : *by_) each->leaving(call_, departure);
    for (const auto& each : followers_) each->leaving(call_, departure);
}

bool Interception::is_held() const noexcept {
    return std::ranges::any_of(gates_, [](const auto& gate) { return !gate->is_open(); });
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
    gates_.clear();
    followers_.clear();
    decision = Decision::go_on();
}

}  // namespace berth::rpc
