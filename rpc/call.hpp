// What a handler knows of the call it answers.
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

/// What is to be done when the same call arrives again (design: replies are remembered).
enum class Replay : std::uint8_t {
    execute,   ///< executing twice does no harm
    remember,  ///< the first reply is kept and sent again
};

/// Where a procedure runs.
enum class Runs : std::uint8_t {
    promptly,   ///< on the network thread; never waits for anything
    or_defers,  ///< on the network thread first; Call::defer() sends it to a worker
    guarded,    ///< on the network thread, whose other work goes to a new one if this takes long
    on_worker,  ///< on a worker at once: it is known to wait, or to have much to do
};

/// What a handler may wait for. Where it would have to wait longer, it calls Call::defer().
enum class Patience : std::uint8_t {
    none,   ///< nothing
    brief,  ///< what normally takes no time: a lock, an entry changed in the kernel's memory
    ample,  ///< anything: a disk
};

/// One procedure of a program: its number, its name for logs, and the policy of its calls.
struct ProcedureId {
    std::uint32_t number = 0;
    std::string_view name;
    Replay replay = Replay::execute;
    Runs runs = Runs::promptly;
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

/// Who calls, as the wire says; not yet squashed or mapped. AUTH_NONE leaves all but the flavour
/// zero.
struct Credential {
    AuthFlavor flavor = AuthFlavor::none;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    boost::container::static_vector<std::uint32_t, 16> gids;
    std::string_view machine_name;  ///< points into the call's bytes
};

/// One call, from its first byte to the end of its reply. Handlers get it by reference; views into
/// it and into `memory` are good until the reply has left.
struct Call {
    explicit Call(Arena& arena) noexcept : memory(arena) {}

    std::uint32_t xid = 0;
    ProgramId program;
    ProcedureId procedure;
    Credential credential;
    Endpoint caller;
    Endpoint local;  ///< the address the call came to
    Transport transport = Transport::tcp;
    Patience patience = Patience::ample;
    Arena& memory;

    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    /// What is longer, the transport answers with an error instead (SYSTEM_ERR).
    std::size_t reply_bytes_max = no_limit;
    /// With `reply_bytes_max`: where the caller can show that it gets replies.
    Correspondents* correspondents = nullptr;
    /// How far it has come with that; kept while the call is deferred.
    unsigned link = 0;

    /// Gives the call up, having changed nothing; whatever the handler returns, the same bytes run
    /// again on a worker, with ample patience.
    void defer() noexcept { deferred = true; }
    /// This reply must not be given to a later duplicate (a "try again later").
    void forget_reply() noexcept { reply_forgotten = true; }
    /// No reply is sent, whatever the handler returns: the caller asks again after a while. Where
    /// the protocol has no word for "later".
    void leave_unanswered() noexcept { unanswered = reply_forgotten = true; }

    bool deferred = false;
    bool reply_forgotten = false;
    bool unanswered = false;
};

}  // namespace berth::rpc
