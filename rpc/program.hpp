// A program is a table: one line per procedure, from which argument and result types are deduced.
// See `on`.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "rpc/call.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

/// How a procedure ended; known before the reply's header is written.
enum class Outcome : std::uint8_t { success, garbage_arguments, deferred };

/// Decodes the arguments, calls the procedure, encodes the result.
using Invoke = Outcome (*)(void* service, Call& call, xdr::Reader& arguments, xdr::Writer& results);

/// Returns the place that the call may have to wait for; Program::nowhere if that is not known.
using PlaceOf = std::uint64_t (*)(void* service, const Call& call, xdr::Reader arguments);

/// The protocol's own status in encoded results, if they have one.
using StatusOf = std::optional<std::uint32_t> (*)(xdr::Reader results);

/// The encoded results of a call with these arguments that ends with this status; empty if results
/// have none, or if the arguments do not decode.
using FailureOf = std::vector<std::byte> (*)(std::uint32_t status, xdr::Reader arguments);

/// One line of a service's table.
template <class Service>
struct Entry {
    ProcedureId id;
    Invoke invoke;
    PlaceOf place_of;
    StatusOf status_of;
    FailureOf failure_of;
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

template <class T>
constexpr std::optional<std::uint32_t> status_in(const T& value) {
    std::optional<std::uint32_t> found;
    if constexpr (std::is_enum_v<T>) {
        found = static_cast<std::uint32_t>(value);
    } else if constexpr (xdr::detail::IsUnion<T>) {
        found = status_in(value.discriminant());
    } else if constexpr (xdr::detail::IsStruct<T>) {
        boost::pfr::for_each_field(value, [&](const auto& member) {
            using Member = std::remove_cvref_t<decltype(member)>;
            if constexpr (std::is_enum_v<Member> || xdr::detail::IsUnion<Member>)
                if (!found) found = status_in(member);
        });
    }
    return found;
}

template <class Procedure>
std::optional<std::uint32_t> status_of(xdr::Reader results) {
    typename Procedure::Result result{};
    xdr::decode(results, result);
    return results.ok() ? status_in(result) : std::nullopt;
}

/// Puts the status into the first place of the value that has one. False: it has none.
template <class T>
bool set_status(T& value, std::uint32_t status) {
    if constexpr (std::is_enum_v<T>) {
        value = static_cast<T>(status);
        return true;
    } else if constexpr (xdr::detail::IsUnion<T>) {
        return value.select(static_cast<typename T::DiscriminantType>(status));
    } else if constexpr (xdr::detail::IsStruct<T>) {
        bool is_set = false;
        boost::pfr::for_each_field(value, [&](auto& member) {
            using Member = std::remove_cvref_t<decltype(member)>;
            if constexpr (std::is_enum_v<Member> || xdr::detail::IsUnion<Member>)
                if (!is_set) is_set = set_status(member, status);
        });
        return is_set;
    } else {
        return false;
    }
}

template <class T>
constexpr bool has_members = [] {
    if constexpr (xdr::detail::IsStruct<T>)
        return boost::pfr::tuple_size_v<T> > 0;
    else
        return false;
}();

/// Results of some programs begin with what their arguments begin with: a cookie.
template <class Args, class Result>
void echo_cookie(const Args& args, Result& result) {
    if constexpr (has_members<Args> && has_members<Result>) {
        using First = std::remove_cvref_t<decltype(boost::pfr::get<0>(args))>;
        using Echoed = std::remove_cvref_t<decltype(boost::pfr::get<0>(result))>;
        if constexpr (std::is_same_v<First, Echoed> && !std::is_enum_v<First>)
            boost::pfr::get<0>(result) = boost::pfr::get<0>(args);
    }
}

template <class Procedure>
std::vector<std::byte> failure_of(std::uint32_t status, xdr::Reader arguments) {
    typename Procedure::Args args{};
    xdr::decode(arguments, args);
    typename Procedure::Result result{};
    if (!arguments.ok() || !set_status(result, status)) return {};
    echo_cookie(args, result);
    xdr::Writer out;
    xdr::encode(out, result);
    const auto bytes = out.flat();
    return {bytes.begin(), bytes.end()};
}

template <class Service, class Args>
concept KnowsPlaceOf = requires(const Service& service, const Call& call, const Args& args) {
    service.place_of(call, args);
};

template <class Procedure, class Service>
std::uint64_t place_of(void* service, const Call& call, xdr::Reader arguments) {
    typename Procedure::Args args{};
    xdr::decode(arguments, args);
    return arguments.ok() ? static_cast<const Service*>(service)->place_of(call, args) : 0;
}

template <class Procedure, class Service>
constexpr PlaceOf finder_of_place() {
    if constexpr (KnowsPlaceOf<Service, typename Procedure::Args>)
        return &place_of<Procedure, Service>;
    else
        return nullptr;
}

}  // namespace detail

/// The table line of `Procedure` (which has `id`, `Args`, `Result`). The member function `Method`
/// answers it: `Result method(Call&, const Args&)`. Trailing bytes after the arguments are ignored,
/// as all servers do. A service with `place_of(const Call&, const Args&) const` and
/// `name_of(std::uint64_t) const` says what its calls may wait for, so that calls that wait for one
/// place leave workers to the others. Any thread asks it.
template <class Procedure, auto Method>
constexpr auto on() {
    using Signature = detail::MethodOf<decltype(Method)>;
    static_assert(std::is_same_v<typename Signature::Args, typename Procedure::Args>);
    static_assert(std::is_same_v<typename Signature::Result, typename Procedure::Result>);
    using Service = typename Signature::Service;
    return Entry<Service>{Procedure::id, &detail::invoke<Procedure, Method>,
                          detail::finder_of_place<Procedure, Service>(),
                          &detail::status_of<Procedure>, &detail::failure_of<Procedure>};
}

/// A program version as the dispatcher serves it. `service` outlives it.
struct Program {
    ProgramId id;
    void* service = nullptr;
    /// Credentials of any flavour are accepted and treated as AUTH_NONE (the portmapper: clients
    /// ask it with whatever flavour they will use later).
    bool any_credential = false;
    /// Its calls may come with Call::is_late set; it then answers "later".
    bool knows_later = false;
    struct Procedure {
        ProcedureId id;
        Invoke invoke = nullptr;     ///< null: the program has no procedure of this number
        PlaceOf place_of = nullptr;  ///< null: its calls wait for no place
        StatusOf status_of = nullptr;
        FailureOf failure_of = nullptr;
    };
    std::vector<Procedure> procedures;  ///< by number

    /// Told of a call for another version of the program, which is refused. Any thread; must not
    /// block. Null: nobody needs to know.
    void (*asked_for_other_version)(const Call& call) noexcept = nullptr;

    static constexpr std::uint64_t nowhere = 0;
    std::string (*name_of_place)(const void* service, std::uint64_t place) = nullptr;
    /// A name, for people, of a number that place_of returned.
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return name_of_place == nullptr ? std::to_string(place) : name_of_place(service, place);
    }
};

/// Makes a Program of `Service::procedures`, an array of Entry<Service>.
template <class Service>
Program make_program(const ProgramId& id, Service& service) {
    Program program{.id = id, .service = &service, .procedures = {}};
    for (const Entry<Service>& entry : Service::procedures) {
        if (program.procedures.size() <= entry.id.number)
            program.procedures.resize(entry.id.number + 1);
        assert(program.procedures[entry.id.number].invoke == nullptr);
        program.procedures[entry.id.number] = {entry.id, entry.invoke, entry.place_of,
                                               entry.status_of, entry.failure_of};
    }
    if constexpr (requires { Service::knows_later; }) program.knows_later = Service::knows_later;
    if constexpr (requires { &Service::asked_for_other_version; })
        program.asked_for_other_version = &Service::asked_for_other_version;
    if constexpr (requires { service.name_of(std::uint64_t{}); })
        program.name_of_place = [](const void* self, std::uint64_t place) {
            return static_cast<const Service*>(self)->name_of(place);
        };
    return program;
}

}  // namespace berth::rpc
