// A handler's view of the call that it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <boost/container/static_vector.hpp>

#include "rpc/arena.hpp"
#include "rpc/endpoint.hpp"
#include "rpc/message.hpp"

namespace berth::rpc {

class Correspondents;

/// The action when the same call arrives again.
enum class Replay : std::uint8_t {
    execute,   ///< executing twice does no harm
    remember,  ///< the first reply is kept and sent again
};

/// Where a procedure runs.
enum class Runs : std::uint8_t {
    promptly,   ///< on the network thread; never waits for anything
    or_defers,  ///< on the network thread first; Call::defer() moves the call to a worker
    guarded,    ///< on the network thread; if the call blocks, another thread takes over the rest
    on_worker,  ///< on a worker at once: the procedure usually waits, or has much to do
};

/// Roughly how long the results of a call on a worker can be: the memory to set aside for them.
enum class Length : std::uint8_t {
    ordinary,  ///< some attributes, a text, or what a deferred call had in its memory
    transfer,  ///< as long as a READ's
    any,       ///< not known in advance: one such call runs at a time
};

/// Where a call runs at the moment, and so how long its handler may wait. If it would have to wait
/// longer, it calls Call::defer().
enum class Where : std::uint8_t {
    network_thread,  ///< it must not wait at all: every other call waits behind it
    section,         ///< there too, guarded: for what normally takes no time, like a lock
    worker,          ///< it may wait for anything
};

/// One procedure of a program: its number, its name for logs, and the policy of its calls.
struct ProcedureId {
    std::uint32_t number = 0;
    std::string_view name;
    Replay replay = Replay::execute;
    Runs runs = Runs::promptly;
    Length length = Length::ordinary;
};

struct ProgramId {
    std::uint32_t number = 0;
    std::uint32_t version = 0;
    std::string_view name;
};

/// Procedure 0 of every program: no work at all (RFC 5531 §12.1).
struct Null {
    static constexpr ProcedureId id{0, "NULL"};
    using Args = xdr::Void;
    using Result = xdr::Void;
};

/// The caller as the call states it, before squashing and mapping. With AUTH_NONE everything but
/// the flavour is zero.
struct Credential {
    AuthFlavor flavor = AuthFlavor::none;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    boost::container::static_vector<std::uint32_t, 16> gids;
    std::string_view machine_name;  ///< points into the call's bytes
};

/// One call, from its first byte to the end of its reply. Handlers get it by reference; views into
/// the call and into `memory` are good until the reply has left.
struct Call {
    explicit Call(Arena& arena) noexcept : memory(arena) {}

    std::uint32_t xid = 0;
    ProgramId program;
    ProcedureId procedure;
    Credential credential;
    Endpoint caller;
    Endpoint local;  ///< the address that the call was sent to
    Transport transport = Transport::tcp;
    Where where = Where::worker;
    /// It has waited too long for a worker: the handler answers "later" and does nothing. Only for
    /// programs that have a word for it (Program::knows_later).
    bool is_late = false;
    Arena& memory;

    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    /// The transport replaces a longer reply with an error (SYSTEM_ERR).
    std::size_t reply_bytes_max = no_limit;
    /// Set if `reply_bytes_max` is: where the caller can prove that it receives replies.
    Correspondents* correspondents = nullptr;
    /// How far that proof has come; kept while the call is deferred.
    unsigned link = 0;

    /// Gives the call up before it has changed anything. The handler's return value is ignored, and
    /// the same bytes run again on a worker.
    void defer() noexcept { deferred = true; }
    /// Later duplicates must not get this reply (a "try again later").
    void forget_reply() noexcept { reply_forgotten = true; }
    /// Sends no reply, whatever the handler returns; the caller asks again after a while. For
    /// protocols that have no status for "later".
    void leave_unanswered() noexcept { unanswered = reply_forgotten = true; }

    bool deferred = false;
    bool reply_forgotten = false;
    bool unanswered = false;
};

}  // namespace berth::rpc
