// One call in flight and everything it needs until its reply has left: the request's bytes, the
// call, its memory, the reply. Belongs to one thread at a time: the connection's network thread, or
// the worker it was handed to. Reused.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "rpc/buffer.hpp"
#include "rpc/call.hpp"
#include "rpc/call_key.hpp"
#include "rpc/program.hpp"
#include "rpc/reply_path.hpp"
#include "xdr/reader.hpp"
#include "xdr/writer.hpp"

namespace berth::rpc {

struct Exchange {
    explicit Exchange(BlockPool* pool = nullptr) noexcept : arena(pool), call(arena) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// Ready for the next call; what is worth keeping (first memory block, reply buffer) is kept.
    void reset() noexcept {
        constexpr std::size_t reply_bytes_kept = 16384;
        arena.reset();
        reply.clear();
        reply.shrink(reply_bytes_kept);
        call.deferred = call.reply_forgotten = call.unanswered = false;
        call.reply_bytes_max = Call::no_limit;
        call.correspondents = nullptr;
        call.link = 0;
        request = {};
        request_owner.reset();
        path.reset();
        newest_path.reset();
        is_redirected = false;
        program = nullptr;
        procedure = nullptr;
        reply_bytes_expected = 0;
        key.reset();
    }

    // Set by the transport, together with call.caller, call.local and call.transport:
    std::span<const std::byte> request;  ///< one whole RPC message
    BufferPtr request_owner;             ///< keeps `request` alive
    std::shared_ptr<ReplyPath> path;

    // Set by the dispatcher:
    Arena arena;
    Call call;
    const Program* program = nullptr;
    const Program::Procedure* procedure = nullptr;
    xdr::Reader arguments{{}};
    /// Roughly, of a call that is to run on a worker.
    std::size_t reply_bytes_expected = 0;
    std::optional<CallKey> key;  ///< while the reply cache has this call in progress
    /// By which the newest copy of the call came, if copies came while it ran: the way for the
    /// reply if the first is gone.
    std::shared_ptr<ReplyPath> newest_path;
    xdr::Writer reply;  ///< empty: nothing is to be sent

    // Set by the first path, when it hands the exchange on to the newest one:
    bool is_redirected = false;
};

}  // namespace berth::rpc
