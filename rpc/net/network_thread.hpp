// One network thread: its io_context, the connections pinned to it, the exchanges they reuse.
// Members other than the constructor, start, stop and `context` are for this thread alone.
#pragma once

#include <memory>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "rpc/exchange.hpp"

namespace berth::rpc::net {

class TcpConnection;

class NetworkThread {
public:
    explicit NetworkThread(BlockPool& blocks) : blocks_(blocks) {}
    NetworkThread(const NetworkThread&) = delete;
    NetworkThread& operator=(const NetworkThread&) = delete;
    ~NetworkThread();

    void start();
    /// Returns when the thread has ended; handlers that have not run are dropped.
    void stop();

    boost::asio::io_context& context() noexcept { return context_; }
    BlockPool& blocks() noexcept { return blocks_; }

    ExchangePtr take_exchange();
    void give_exchange(ExchangePtr exchange) noexcept;

    std::unordered_set<std::shared_ptr<TcpConnection>> connections;

private:
    static constexpr std::size_t spare_exchanges_max = 256;

    BlockPool& blocks_;
    std::vector<ExchangePtr> spare_;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    std::thread thread_;
};

}  // namespace berth::rpc::net
