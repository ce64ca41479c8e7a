// One network thread: its io_context, the connections pinned to it, the exchanges they reuse.
//
// A call that normally takes no time, but could block, runs in a guarded section. If it does block,
// the watch has another thread take over everything that belongs to this one, the connection in
// question included; the blocked thread only finishes its call and ends. So whoever runs is "the
// network thread", and there is never more than one.
//
// Members are for the network thread alone but for the constructor, start, stop, `context`, and
// those that say otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "rpc/exchange.hpp"
#include "rpc/net/caution.hpp"

namespace berth::rpc::net {

class TcpConnection;
class Watch;

/// What a guarded section runs for.
class Guarded {
public:
    Guarded() = default;
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    virtual ~Guarded() = default;

    /// Posts to its network thread what is to go on although the call has not come back.
    virtual void go_on() = 0;
};

class NetworkThread {
public:
    NetworkThread(BlockPool& blocks, Watch& watch) : blocks_(blocks), watch_(watch) {}
    NetworkThread(const NetworkThread&) = delete;
    NetworkThread& operator=(const NetworkThread&) = delete;
    ~NetworkThread();

    void start();
    /// Returns when the thread has ended, and the one it has taken over from; handlers that have
    /// not run are dropped. The watch must have ended.
    void stop();

    boost::asio::io_context& context() noexcept { return context_; }
    BlockPool& blocks() noexcept { return blocks_; }

    ExchangePtr take_exchange();
    void give_exchange(ExchangePtr exchange) noexcept;

    /// Whether a section may be entered. Not for some time after one has blocked: what blocks once
    /// will block again, and workers can block together.
    [[nodiscard]] bool may_enter() noexcept;
    /// From here on everything but the call itself is consistent and may go on without this thread.
    /// `running` lives until somebody else is the network thread, at least.
    [[nodiscard]] std::uint64_t enter(Guarded& running) noexcept;
    /// False: another thread has taken over. The caller may only hand in its call, by
    /// ReplyPath::deliver or to the workers, and then throws TakenOver.
    [[nodiscard]] bool leave(std::uint64_t section) noexcept;
    struct TakenOver {};

    /// By the watch, at intervals: takes over from a section that was already there the last time,
    /// if it sleeps, or lasts too long. Says whether there was any section since the last time.
    bool look();
    /// Whether a call in a section has not come back yet. From any thread.
    [[nodiscard]] bool is_in_section() const noexcept;

    std::unordered_set<std::shared_ptr<TcpConnection>> connections;

private:
    static constexpr std::size_t spare_exchanges_max = 256;

    void run();
    void take_over(std::uint64_t section);

    BlockPool& blocks_;
    Watch& watch_;
    std::vector<ExchangePtr> spare_;
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    std::thread thread_;
    std::atomic<pid_t> thread_id_{0};

    // Odd within a section. Leaving and taking over both raise it by one; only one of them can.
    std::atomic<std::uint64_t> section_{0};
    std::chrono::steady_clock::time_point entered_at_;
    Guarded* running_ = nullptr;
    unsigned calls_until_next_section_ = 0;
    // On a machine with much to do any section can look slow, and another thread can cost more than
    // that; what really sleeps is rarer, and worse.
    Caution after_slow_{4, 2};
    Caution after_blocked_{64, 16};

    // Of the watch:
    std::uint64_t section_seen_ = 0;
    unsigned looks_at_section_ = 0;
    bool is_told_ = false;
    std::thread former_;  // which it has taken over from
    std::atomic<bool> former_is_blocked_{false};
};

}  // namespace berth::rpc::net
