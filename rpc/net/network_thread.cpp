#include "rpc/net/network_thread.hpp"

#include "rpc/net/tcp_connection.hpp"

namespace berth::rpc::net {

NetworkThread::~NetworkThread() {
    stop();
    connections.clear();
}

void NetworkThread::start() {
    thread_ = std::thread{[this] { context_.run(); }};
}

void NetworkThread::stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

ExchangePtr NetworkThread::take_exchange() {
    if (spare_.empty()) return std::make_unique<Exchange>(&blocks_);
    auto exchange = std::move(spare_.back());
    spare_.pop_back();
    return exchange;
}

void NetworkThread::give_exchange(ExchangePtr exchange) noexcept {
    exchange->reset();
    if (spare_.size() == spare_exchanges_max) return;
    if (spare_.capacity() == 0) spare_.reserve(spare_exchanges_max);
    spare_.push_back(std::move(exchange));
}

}  // namespace berth::rpc::net
