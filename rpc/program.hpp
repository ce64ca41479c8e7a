// A program is a table: one line per procedure, from which argument and result types are deduced.
// See `on`.
#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "rpc/call.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

/// How a procedure ended, before the reply's header is known.
enum class Outcome : std::uint8_t { success, garbage_arguments, deferred };

/// Decodes arguments, calls, encodes the result.
using Invoke = Outcome (*)(void* service, Call& call, xdr::Reader& arguments, xdr::Writer& results);

/// One line of a service's table.
template <class Service>
struct Entry {
    ProcedureId id;
    Invoke invoke;
};

namespace detail {

template <class Method>
struct MethodOf;
template <class S, class R, class A>
struct MethodOf<R (S::*)(Call&, const A&)> {
    using Service = S;
    using Result = R;
    using Args = A;
};

template <class Procedure, auto Method>
Outcome invoke(void* service, Call& call, xdr::Reader& arguments, xdr::Writer& results) {
    using Service = typename MethodOf<decltype(Method)>::Service;
    typename Procedure::Args args{};
    xdr::decode(arguments, args);
    if (!arguments.ok()) return Outcome::garbage_arguments;
    const typename Procedure::Result result = (static_cast<Service*>(service)->*Method)(call, args);
    if (call.deferred) return Outcome::deferred;
    xdr::encode(results, result);
    return Outcome::success;
}

}  // namespace detail

/// The table line of `Procedure` (which has `id`, `Args`, `Result`), answered by the member
/// function `Method`: `Result method(Call&, const Args&)`. Trailing bytes after the arguments are
/// ignored, as all servers do.
template <class Procedure, auto Method>
constexpr auto on() {
    using Signature = detail::MethodOf<decltype(Method)>;
    static_assert(std::is_same_v<typename Signature::Args, typename Procedure::Args>);
    static_assert(std::is_same_v<typename Signature::Result, typename Procedure::Result>);
    return Entry<typename Signature::Service>{Procedure::id, &detail::invoke<Procedure, Method>};
}

/// A program version as the dispatcher serves it. `service` outlives it.
struct Program {
    ProgramId id;
    void* service = nullptr;
    /// Any flavour of credential is taken and treated as AUTH_NONE (the portmapper: clients ask it
    /// with whatever flavour they will use later).
    bool any_credential = false;
    struct Procedure {
        ProcedureId id;
        Invoke invoke = nullptr;  ///< null: a number the program does not have
    };
    std::vector<Procedure> procedures;  ///< by number
};

/// Makes a Program of `Service::procedures`, an array of Entry<Service>.
template <class Service>
Program make_program(const ProgramId& id, Service& service) {
    Program program{.id = id, .service = &service, .procedures = {}};
    for (const Entry<Service>& entry : Service::procedures) {
        if (program.procedures.size() <= entry.id.number)
            program.procedures.resize(entry.id.number + 1);
        assert(program.procedures[entry.id.number].invoke == nullptr);
        program.procedures[entry.id.number] = {entry.id, entry.invoke};
    }
    return program;
}

}  // namespace berth::rpc
