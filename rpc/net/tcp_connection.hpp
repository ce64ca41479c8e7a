// One TCP connection, pinned to one network thread. It reads what is there, answers every complete
// record in that, and sends the replies of one wake-up together, unless they are large. A reply
// that a worker has made is sent by the worker, where that can be done at once. Any thread may call
// deliver(), give_way() and give_way_if_idle(); only its own thread may call the rest.
//
// The budget counts what a connection holds beyond the thread's turn: part of a record, calls that
// workers have, replies that could not be sent at once. While the client has no room in the budget,
// the connection takes no memory to read into, and runs only calls that bring more bytes than their
// answers will have. The thread asks it again until there is room.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/container/static_vector.hpp>

#include "rpc/net/network_thread.hpp"
#include "rpc/net/odd_record.hpp"
#include "rpc/net/outbox.hpp"
#include "rpc/net/record_sender.hpp"
#include "rpc/net/worker_pool.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/record.hpp"
#include "rpc/server.hpp"

namespace berth::rpc::net {

class TcpConnection final : public ReplyPath,
                            public Guarded,
                            public Budget::Holder,
                            public std::enable_shared_from_this<TcpConnection> {
public:
    struct Context {
        NetworkThread& thread;
        Dispatcher& dispatcher;
        WorkerPool& workers;
        const ServerOptions& options;
        std::atomic<std::size_t>& connection_count;
    };

    /// `peer` is the endpoint as it was accepted: once the client has reset the connection, the
    /// socket no longer knows it, and calls that it has sent may still be read.
    TcpConnection(const Context& context, boost::asio::ip::tcp::socket socket,
                  const Endpoint& peer);
    ~TcpConnection() override;

    void start();
    /// Reads nothing more; closes when every call that was read has been answered.
    void drain();

    std::shared_ptr<ReplyPath> keep() override { return shared_from_this(); }
    void deliver(ExchangePtr finished) override;
    void lose_call() noexcept override;
    void reset() noexcept override;
    void go_on() override;
    std::shared_ptr<Budget::Holder> hold() noexcept override { return weak_from_this().lock(); }
    void give_way(const char* reason) noexcept override;
    void give_way_if_idle(const char* reason) noexcept override;

    /// Whether there is memory now; the thread that the connection waits at asks.
    void ask_again() noexcept;
    void end_if_idle(std::chrono::seconds idle_max);

private:
    void await_readable();
    void await_writable();
    void on_readable();
    bool receive();
    void advance();
    template <class Step>
    void take_step(Step step);
    void try_again();
    bool answer_records();
    std::optional<Record> next_record();
    void take(Record record);
    void go_on_with(ExchangePtr exchange, Verdict verdict);
    void begin_call(const Record& record) noexcept;
    template <class Step>
    void delay(ExchangePtr exchange, std::chrono::nanoseconds time, Step step);
    void attempt(ExchangePtr exchange);
    void hand_over(ExchangePtr exchange);
    void submit(ExchangePtr exchange);
    void complete(ExchangePtr finished);
    void queue(ExchangePtr exchange);
    /// What a reply's departure has come to.
    struct Leaving {
        explicit Leaving(const Departure& departure)
            : act(departure.act),
              copies(departure.copies),
              is_behind_next(departure.is_behind_next),
              manner(departure.manner) {}

        Departure::Act act;
        unsigned copies;
        bool is_behind_next;
        Manner manner;
    };
    void leave(ExchangePtr exchange, const Leaving& leaving);
    void push(ExchangePtr exchange);
    void push_odd(const xdr::Writer& message, const Manner& manner, Departure::Act then);
    void push_those_behind();
    void send_odd();
    void pause(std::chrono::nanoseconds time, bool& pauses);
    [[nodiscard]] std::size_t paced_bytes() const noexcept;
    void end_by(Departure::Act act);
    void pause_reading(std::size_t received);
    void send_waiting();
    void send_outbox();
    [[nodiscard]] bool may_send_now(const Exchange& finished) const noexcept;
    void count_down(const Exchange& finished) noexcept;
    void end_sent(ExchangePtr sent);
    void return_to_thread(ExchangePtr finished);
    void collect_finished();
    void take_back_spent() noexcept;
    void close(const char* reason);
    [[nodiscard]] bool is_stalled() const noexcept;

    // tcp_connection_memory.cpp
    void count_up();
    [[nodiscard]] bool may_receive() const noexcept;
    [[nodiscard]] bool may_run(const Record& record) const noexcept;
    void wait_for_memory();
    void take_turn();
    template <class Ending>
    void ask_to_end(Ending ending) noexcept;
    [[nodiscard]] bool can_never_end_record();
    [[nodiscard]] bool is_idle() const noexcept;

    Context context_;
    boost::asio::ip::tcp::socket socket_;
    Endpoint peer_;
    Endpoint local_;
    Correspondents::Connection correspondent_;
    Budget::Member member_;
    RecordReader records_;
    Outbox outbox_;
    RecordSender sender_;
    std::optional<Record> held_back_;  // until there is memory for its reply
    ExchangePtr awaiting_turn_;        // one of calls_out_
    // Ordered by interceptors, and counted in calls_out_:
    std::deque<OddRecord> odd_;  // leave when the outbox is empty, before any later reply
    bool odd_pauses_ = false;    // and a timer ends that
    std::vector<std::pair<ExchangePtr, Leaving>> behind_;  // leave after the next reply
    std::uint64_t read_rate_ = 0;      // bytes a second that are read; 0: any number
    bool reading_pauses_ = false;      // and a timer ends that
    std::size_t uncounted_bytes_ = 0;  // of exchanges in the outbox
    unsigned asked_ = 0;  // how often the connection was asked whether there is memory now
    bool waits_for_memory_ = false;  // and the thread will ask again
    bool reading_ = false;           // waiting for the socket to become readable
    bool writing_ = false;
    bool draining_ = false;
    bool at_end_ = false;  // the client sends no more; it may still be reading
    bool is_open_ = true;

    // Workers lower them when they have sent a reply.
    std::atomic<std::size_t> calls_out_ = 0;  // on workers, in a section, or delayed
    std::atomic<std::size_t> bytes_out_ = 0;  // their requests, and the replies workers will make
    // Whether this connection's thread needs to know when those become fewer.
    std::atomic<bool> wants_word_ = false;

    static constexpr std::size_t spent_max = 16;
    std::atomic<bool> has_spent_ = false;
    std::mutex finished_lock_;
    // Guarded by finished_lock_:
    std::vector<ExchangePtr> finished_;  // by workers; not yet collected
    bool is_collecting_ = false;         // the thread has been asked to collect them
    boost::container::static_vector<ExchangePtr, spent_max> spent_;  // to be used again
};

template <class Ending>
void TcpConnection::ask_to_end(Ending ending) noexcept {
    try {
        boost::asio::post(context_.thread.context(), std::move(ending));
    } catch (const std::bad_alloc&) {
        error_of(peer_.address, "out of memory: the connection from {} can't be asked to end",
                 peer_);
    }
}

// If a step fails, for want of memory say, this connection ends, not the server.
template <class Step>
void TcpConnection::take_step(Step step) {
    try {
        step();
        if (is_open_) count_up();
    } catch (const std::exception& error) {
        if (NetworkThread::is_taken_over()) {
            lose_call();
            throw;
        }
        error_of(peer_.address, "{}; closing the connection from {}", error.what(), peer_);
        close("something failed");
    }
}

}  // namespace berth::rpc::net
