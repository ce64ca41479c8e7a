// One TCP connection, pinned to one network thread. Reads what is there, answers every complete
// record in it, and sends the replies of one wake-up together, unless they are large. deliver() may
// be called from any thread, the rest from its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "rpc/net/network_thread.hpp"
#include "rpc/net/outbox.hpp"
#include "rpc/net/worker_pool.hpp"
#include "rpc/record.hpp"
#include "rpc/server.hpp"

namespace berth::rpc::net {

class TcpConnection final : public ReplyPath,
                            public Guarded,
                            public std::enable_shared_from_this<TcpConnection> {
public:
    struct Context {
        NetworkThread& thread;
        Dispatcher& dispatcher;
        WorkerPool& workers;
        const ServerOptions& options;
        std::atomic<std::size_t>& connection_count;
    };

    /// The peer's endpoint as it was accepted: the socket itself does not know it any more when the
    /// client has reset the connection, and the calls in it may still be read.
    TcpConnection(const Context& context, boost::asio::ip::tcp::socket socket,
                  const Endpoint& peer);
    ~TcpConnection() override;

    void start();
    /// Reads no more; closes when everything taken in has been answered.
    void drain();

    void deliver(ExchangePtr finished) override;
    void go_on() override;

private:
    void await_readable();
    void await_writable();
    void on_readable();
    bool receive();
    void advance();
    template <class Step>
    void take_step(Step step);
    bool answer_records();
    void take(const Record& record);
    void attempt(ExchangePtr exchange);
    void hand_over(ExchangePtr exchange);
    void submit(ExchangePtr exchange);
    void settle(ExchangePtr finished);
    void queue(ExchangePtr exchange);
    void send_waiting();
    void collect_finished();
    void close(const char* reason);
    [[nodiscard]] bool is_stalled() const noexcept;

    Context context_;
    boost::asio::ip::tcp::socket socket_;
    Endpoint peer_;
    Endpoint local_;
    Correspondents::Connection correspondent_;
    RecordReader records_;
    Outbox outbox_;
    std::size_t calls_out_ = 0;  // with workers, or in a section
    std::size_t bytes_out_ = 0;  // of their requests, and of the replies that workers will make
    bool reading_ = false;       // a wait for readability is under way
    bool writing_ = false;
    bool draining_ = false;
    bool at_end_ = false;  // the client sends no more; it may still be reading
    bool is_open_ = true;

    std::mutex finished_lock_;
    std::vector<ExchangePtr> finished_;  // by workers, not yet collected
};

}  // namespace berth::rpc::net
