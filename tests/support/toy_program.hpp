// A program whose procedures show what the RPC layer did: one of each way to run and to be
// remembered.
#pragma once

#include <atomic>
#include <cstdint>

#include "rpc/program.hpp"
#include "tests/support/gate.hpp"

namespace berth::test::toy {

inline constexpr rpc::ProgramId program_2{0x20000042, 2, "TOY"};
inline constexpr rpc::ProgramId program_4{0x20000042, 4, "TOY"};

using rpc::Null;

struct Echo {
    static constexpr rpc::ProcedureId id{1, "ECHO"};
    struct Args {
        xdr::Opaque<> data;
    };
    using Result = Args;
};

/// Not idempotent: each run adds.
struct Count {
    static constexpr rpc::ProcedureId id{2, "COUNT", rpc::Replay::remember};
    struct Args {
        std::uint32_t step;
    };
    struct Result {
        std::uint32_t total;
    };
};

/// Count on a worker; passes the gate first.
struct CountOnWorker {
    static constexpr rpc::ProcedureId id{3, "COUNT_ON_WORKER", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = Count::Args;
    using Result = Count::Result;
};

/// Echo on a worker; passes the gate first.
struct EchoOnWorker {
    static constexpr rpc::ProcedureId id{4, "ECHO_ON_WORKER", rpc::Replay::execute,
                                         rpc::Runs::on_worker};
    using Args = Echo::Args;
    using Result = Echo::Result;
};

/// Defers if told to; on the worker it passes the gate. Says how it ran.
struct Defer {
    static constexpr rpc::ProcedureId id{5, "DEFER", rpc::Replay::execute, rpc::Runs::or_defers};
    struct Args {
        bool must_wait;
    };
    struct Result {
        bool could_block;
    };
};

struct Throw {
    static constexpr rpc::ProcedureId id{6, "THROW", rpc::Replay::remember};
    using Args = xdr::Void;
    using Result = xdr::Void;
};

// There is no procedure 7.

/// So many bytes in the call's own memory, byte i being `i % 251`.
struct Produce {
    static constexpr rpc::ProcedureId id{8, "PRODUCE"};
    struct Args {
        std::uint32_t size;
    };
    struct Result {
        xdr::Opaque<> data;
    };
};

/// Produce on a worker; passes the gate first.
struct ProduceDeferred {
    static constexpr rpc::ProcedureId id{13, "PRODUCE_DEFERRED", rpc::Replay::execute,
                                         rpc::Runs::or_defers};
    using Args = Produce::Args;
    using Result = Produce::Result;
};

/// Count with an answer that must not be remembered.
struct CountLater {
    static constexpr rpc::ProcedureId id{9, "COUNT_LATER", rpc::Replay::remember};
    using Args = Count::Args;
    using Result = Count::Result;
};

struct Who {
    static constexpr rpc::ProcedureId id{10, "WHO"};
    using Args = xdr::Void;
    struct Result {
        rpc::AuthFlavor flavor;
        std::uint32_t uid;
        std::uint32_t gid;
        xdr::Array<std::uint32_t, 16> gids;
        xdr::String<255> machine_name;
        xdr::String<> caller;
        xdr::String<> local;
        bool over_tcp;
    };
};

/// Not idempotent and deferring: always runs on a worker in the end, through the gate.
struct CountDeferred {
    static constexpr rpc::ProcedureId id{11, "COUNT_DEFERRED", rpc::Replay::remember,
                                         rpc::Runs::or_defers};
    using Args = Count::Args;
    using Result = Count::Result;
};

/// Count in a guarded section, where it passes the gate or defers if told to. Says how it ran last.
struct CountGuarded {
    static constexpr rpc::ProcedureId id{12, "COUNT_GUARDED", rpc::Replay::remember,
                                         rpc::Runs::guarded};
    enum class May : std::uint32_t { go_on, block, defer };
    struct Args {
        std::uint32_t step;
        May may;
        xdr::Opaque<> data;
    };
    struct Result {
        std::uint32_t total;
        bool on_worker;
    };
};
/// Echo on a worker whose results may be of any length; passes the gate first.
struct EchoAlone {
    static constexpr rpc::ProcedureId id{14, "ECHO_ALONE", rpc::Replay::execute,
                                         rpc::Runs::on_worker, rpc::Length::any};
    using Args = Echo::Args;
    using Result = Echo::Result;
};

constexpr bool is_valid(CountGuarded::May may) {
    return may <= CountGuarded::May::defer;
}

class Service {
public:
    Gate gate;
    std::atomic<std::uint32_t> total{0};
    /// Handlers begun, whichever.
    std::atomic<std::uint32_t> runs{0};

    /// `program_2`, with all of the procedures.
    rpc::Program program(const rpc::ProgramId& id = program_2);

    xdr::Void null(rpc::Call& call, const xdr::Void& args);
    Echo::Result echo(rpc::Call& call, const Echo::Args& args);
    Count::Result count(rpc::Call& call, const Count::Args& args);
    Count::Result count_on_worker(rpc::Call& call, const Count::Args& args);
    Echo::Result echo_on_worker(rpc::Call& call, const Echo::Args& args);
    Defer::Result defer(rpc::Call& call, const Defer::Args& args);
    xdr::Void fail(rpc::Call& call, const xdr::Void& args);
    Produce::Result produce(rpc::Call& call, const Produce::Args& args);
    Produce::Result produce_deferred(rpc::Call& call, const Produce::Args& args);
    Count::Result count_later(rpc::Call& call, const Count::Args& args);
    Who::Result who(rpc::Call& call, const xdr::Void& args);
    Count::Result count_deferred(rpc::Call& call, const Count::Args& args);

    CountGuarded::Result count_guarded(rpc::Call& call, const CountGuarded::Args& args);

    static const rpc::Entry<Service> procedures[14];
};

}  // namespace berth::test::toy
