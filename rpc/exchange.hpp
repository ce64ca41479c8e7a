// One call in flight and everything it needs until its reply has left: the request's bytes, the
// call, its memory, the reply. It belongs to one thread at a time: the connection's network thread,
// or the worker that has the call. Exchanges are reused.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "rpc/budget.hpp"
#include "rpc/buffer.hpp"
#include "rpc/call.hpp"
#include "rpc/interceptor.hpp"
#include "rpc/program.hpp"
#include "rpc/reply_cache.hpp"
#include "rpc/reply_path.hpp"
#include "xdr/reader.hpp"
#include "xdr/writer.hpp"

namespace berth::rpc {

/// Raises a count by one for as long as this object lives. The count outlives it.
class Counted {
public:
    Counted() = default;
    explicit Counted(std::atomic<std::size_t>& number) noexcept : number_(&number) { ++number; }
    Counted(Counted&& other) noexcept : number_(std::exchange(other.number_, nullptr)) {}
    Counted& operator=(Counted&& other) noexcept {
        release();
        number_ = std::exchange(other.number_, nullptr);
        return *this;
    }
    ~Counted() { release(); }

    explicit operator bool() const noexcept { return number_ != nullptr; }
    void release() noexcept {
        if (auto* const number = std::exchange(number_, nullptr)) --*number;
    }

private:
    std::atomic<std::size_t>* number_ = nullptr;
};

struct Exchange {
    explicit Exchange(BlockPool* pool = nullptr) noexcept : arena(pool), call(arena) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// The most memory that an exchange kept for later may hold.
    static constexpr std::size_t reply_bytes_kept = 16384;
    static constexpr std::size_t spare_bytes_max =
        reply_bytes_kept + Arena::first_block_bytes + 2048;

    /// Prepares for the next call; the first memory block and the reply buffer are kept.
    void reset() noexcept {
        if (interception) interception.give_up();
        arena.reset();
        reply.clear();
        reply.shrink(reply_bytes_kept);
        call.is_late = call.deferred = call.reply_forgotten = call.unanswered = false;
        call.reply_bytes_max = Call::no_limit;
        call.correspondents = nullptr;
        call.link = 0;
        request = {};
        request_owner.reset();
        in_flight.release();
        arrived_by = nullptr;
        path.reset();
        newest_path.reset();
        is_redirected = false;
        bytes_sent = 0;
        program = nullptr;
        procedure = nullptr;
        reply_bytes_expected = 0;
        entry.abandon();
        if (share.has_account()) share.release();
        turn.end();
    }

    /// Its path, kept alive from here on.
    const std::shared_ptr<ReplyPath>& keep_path() {
        if (!path && arrived_by != nullptr) path = arrived_by->keep();
        return path;
    }

    /// The memory that the exchange itself has.
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return sizeof *this + Arena::first_block_bytes + arena.more_bytes() + reply.capacity();
    }
    /// Counts that memory, and `more_bytes` that it will need, against the client until the next
    /// charge() or reset(). For the connection's thread.
    void charge(const Budget::AccountPtr& account, std::size_t more_bytes = 0) noexcept {
        if (request_owner) request_owner->charge(account);
        if (!share.has_account()) share = Budget::Share{account, 0};
        share.resize(memory_bytes() + more_bytes);
    }
    /// The reply has been made: replaces the estimate counted for it by its real size.
    void count_reply() noexcept {
        if (share.has_account()) share.resize(memory_bytes());
        turn.end();
    }

    // Set by the transport, together with call.caller, call.local and call.transport:
    std::span<const std::byte> request;  ///< one whole RPC message
    BufferPtr request_owner;             ///< keeps `request` alive
    /// The path of a call that is still in the turn in which it arrived; most calls end there.
    ReplyPath* arrived_by = nullptr;
    std::shared_ptr<ReplyPath> path;  ///< of a call that outlives that turn, or is remembered
    Counted in_flight;                ///< counts at the path, which outlives it

    // Set by the dispatcher:
    Arena arena;
    Call call;
    const Program* program = nullptr;
    const Program::Procedure* procedure = nullptr;
    xdr::Reader arguments{{}};
    /// A rough estimate, for a call that is to run on a worker.
    std::size_t reply_bytes_expected = 0;
    ReplyCache::Entry entry;  ///< while the reply cache has this call in progress
    /// The path of the newest copy of the call, if copies came while it ran. The reply takes it if
    /// the first path is gone.
    std::shared_ptr<ReplyPath> newest_path;
    xdr::Writer reply;  ///< empty: send nothing
    Interception interception;

    // Counted in the budget once the exchange outlives its thread's turn:
    Budget::Share share;
    Budget::Turn turn;

    // Set by the path:
    std::size_t bytes_sent = 0;  ///< of the reply's record

    // Set by the first path when it passes the exchange to the newest path:
    bool is_redirected = false;
};

}  // namespace berth::rpc
