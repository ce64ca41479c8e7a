// One network thread: its io_context, the connections pinned to it, the exchanges they reuse.
//
// The invariant: the thread that runs the handlers *is* "the network thread", and there is never
// more than one. A call that normally takes no time, but could block, runs in a guarded section. If
// it does block, the watchdog lets another thread take over everything that belongs to this one,
// including the connection. The blocked thread then only finishes its call and ends, by whichever
// exception or return leaves the section. Section::end() tells it that it has been replaced.
//
// Only the network thread may use members, except the constructor, start, stop, `context`, and
// those that say otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "rpc/exchange.hpp"
#include "rpc/net/caution.hpp"

namespace berth::rpc::net {

class TcpConnection;
class Watchdog;

/// The connection or socket for which a guarded section runs.
class Guarded {
public:
    Guarded() = default;
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    virtual ~Guarded() = default;

    /// Posts to its network thread the work that can go on although the call has not returned.
    virtual void go_on() = 0;
};

class NetworkThread {
public:
    /// Keeps exchanges for later calls within `spare_bytes_max`. The thread has its number in its
    /// name, "berth-net-0"; its successor has the same name.
    NetworkThread(unsigned number, BlockPool& blocks, Watchdog& watchdog,
                  std::size_t spare_bytes_max);
    NetworkThread(const NetworkThread&) = delete;
    NetworkThread& operator=(const NetworkThread&) = delete;
    ~NetworkThread();

    void start();
    /// Returns when the thread and its predecessor have ended; handlers that have not run are
    /// dropped. The watchdog must have ended.
    void stop();

    boost::asio::io_context& context() noexcept { return context_; }
    BlockPool& blocks() noexcept { return blocks_; }

    ExchangePtr take_exchange();
    void give_exchange(ExchangePtr exchange) noexcept;

    /// Asks the connection again after some milliseconds whether there is memory now.
    void wait_for_memory(std::shared_ptr<TcpConnection> connection);
    /// Looks from time to time for connections that have been idle for this long, and closes them.
    void end_idle_after(std::chrono::seconds idle_max);

    /// Whether a call may enter a section. False for some time after a section has blocked: a call
    /// that blocks once will block again, and on workers several can block at once.
    [[nodiscard]] bool may_enter() noexcept;
    /// A call that could block. From its start on everything but the call itself is consistent and
    /// may go on without this thread. The section ends with the object at the latest.
    class Section {
    public:
        /// `running` lives at least until another thread is the network thread.
        Section(NetworkThread& thread, Guarded& running) noexcept
            : thread_(thread),
              number_(thread.enter(running)) {}
        Section(const Section&) = delete;
        Section& operator=(const Section&) = delete;
        ~Section() {
            if (is_open_) std::ignore = end();
        }
        /// False: another thread has taken over. The caller may only hand in its call, by
        /// ReplyPath::deliver or to the workers; then it throws TakenOver.
        [[nodiscard]] bool end() noexcept {
            is_open_ = false;
            return thread_.leave(number_);
        }

    private:
        NetworkThread& thread_;
        const std::uint64_t number_;
        bool is_open_ = true;
    };
    struct TakenOver {};
    /// Whether another thread has taken over from the calling one. If so, the calling thread
    /// touches nothing that belongs to the network thread, and any exception ends it.
    [[nodiscard]] static bool is_taken_over() noexcept;

    /// Called by the watchdog at intervals: takes over from a section that it saw the last time
    /// too, if the thread sleeps or the section lasts too long. True if any section ran since then.
    bool look();
    /// Whether a call in a section has not returned yet. Any thread.
    [[nodiscard]] bool is_in_section() const noexcept;

    std::unordered_set<std::shared_ptr<TcpConnection>> connections;

private:
    std::uint64_t enter(Guarded& running) noexcept;
    bool leave(std::uint64_t section) noexcept;
    void run();
    void take_turn();
    void ask_again();
    void look_for_idle(std::chrono::seconds idle_max);
    void take_over(std::uint64_t section);

    const unsigned number_;
    BlockPool& blocks_;
    Watchdog& watchdog_;
    const std::size_t spare_exchanges_max_;
    std::vector<ExchangePtr> spare_;
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    std::vector<std::shared_ptr<TcpConnection>> waiting_for_memory_;
    boost::asio::steady_timer asking_again_{context_};
    boost::asio::steady_timer looking_for_idle_{context_};
    bool is_looking_for_idle_ = false;
    std::thread thread_;
    std::atomic<pid_t> thread_id_{0};

    // Odd within a section. Leaving and taking over both try to raise it by one; one succeeds.
    std::atomic<std::uint64_t> section_{0};
    std::chrono::steady_clock::time_point entered_at_;
    Guarded* running_ = nullptr;
    unsigned calls_until_next_section_ = 0;
    // On a busy machine any section can look slow, and another thread can cost more than that; a
    // section that really sleeps is rarer, and worse.
    Caution after_slow_{4, 2};
    Caution after_blocked_{64, 16};

    // Only the watchdog uses these:
    std::uint64_t section_seen_ = 0;
    unsigned looks_at_section_ = 0;
    bool is_told_ = false;
    std::thread former_;  // the thread that this one replaced
    std::atomic<bool> former_is_blocked_{false};
};

}  // namespace berth::rpc::net
