// The sending half of a connection's socket. Replies leave as whole records, in any order: those in
// the outbox by the connection's thread, and one that a worker has just made by the worker itself,
// which spares a wake-up of the connection's thread. Any thread may call send_now(); only the
// connection's thread may call the rest.
#pragma once

#include <functional>
#include <mutex>
#include <span>

#include "rpc/exchange.hpp"
#include "rpc/net/outbox.hpp"

namespace berth::rpc::net {

class RecordSender {
public:
    /// `descriptor` is a stream socket. It must stay open until close().
    explicit RecordSender(int descriptor) noexcept : descriptor_(descriptor) {}

    enum class End {
        sent,         ///< the outbox is empty
        would_block,  ///< the socket takes no more now
        must_wait,    ///< until the reply that a worker has begun is in the outbox
        failed,
    };
    /// Sends what is in the outbox. `done` is called as by Outbox::sent(), `moved` whenever bytes
    /// have left.
    End send(Outbox& outbox, const Outbox::Sent& done, const std::function<void()>& moved);

    enum class Now {
        sent,
        begun,    ///< in part: says Exchange::bytes_sent; the outbox must have it next
        refused,  ///< not at all
    };
    /// Sends one reply, if no record has been sent in part and the socket takes it.
    Now send_now(Exchange& exchange) noexcept;

    struct Part {
        std::span<const std::byte> bytes;
        bool ends_record;    ///< until such a part has been sent, nothing else is
        bool is_one_packet;  ///< or more, but not joined with what follows
    };
    /// Sends what the socket takes of some bytes of a record; `sent` becomes their number. For an
    /// empty outbox.
    End send_part(const Part& part, std::size_t& sent);

    /// After this nothing is sent any more, and the socket may be closed.
    void close() noexcept;

private:
    const int descriptor_;
    std::mutex lock_;
    // Guarded by lock_:
    bool is_open_ = true;
    bool is_blocked_ = false;  // part of a record has been sent, or the socket took nothing
    bool is_begun_ = false;    // by a worker, and not in the outbox yet
};

}  // namespace berth::rpc::net
