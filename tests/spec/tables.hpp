// What the oracle's tests know of the C++ side: one Specification per .x file, each line of which
// joins a name of the RFC to the C++ that is meant to be it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

#include "rpc/call.hpp"
#include "tests/support/bytes.hpp"
#include "xdr/codec.hpp"

namespace berth::spec {

using Bytes = std::vector<std::byte>;

/// What became of bytes that were taken for a value of some type.
struct Decoded {
    bool ok = false;
    std::size_t left_bytes = 0;  ///< behind the value
    Bytes again;                 ///< the value, encoded again; only if ok
    std::size_t counted_bytes = 0;
};
using Codec = Decoded (*)(std::span<const std::byte>);

template <class T>
Decoded decoded(std::span<const std::byte> bytes) {
    const test::ExactCopy copy{bytes};
    xdr::Reader in{copy.bytes()};
    T value{};
    xdr::decode(in, value);
    if (!in.ok()) return {};
    return {.ok = true,
            .left_bytes = in.rest().size(),
            .again = test::encoded(value),
            .counted_bytes = xdr::encoded_bytes(value)};
}

/// A value of the C++ type T is a value of the RFC's type.
struct TypeLine {
    std::string_view name;
    Codec codec;
};
template <class T>
constexpr TypeLine type(std::string_view name) {
    return {name, &decoded<T>};
}

/// A procedure of the RFC and ours: its number, its arguments, its results.
struct ProcedureLine {
    std::string_view name;
    rpc::ProcedureId id;
    Codec arguments;
    Codec results;
    /// Why ours takes arguments beyond the RFC's bounds, if it does.
    std::string_view why_unbounded;
};
template <class Procedure>
constexpr ProcedureLine procedure(std::string_view name, std::string_view why_unbounded = {}) {
    return {name, Procedure::id, &decoded<typename Procedure::Args>,
            &decoded<typename Procedure::Result>, why_unbounded};
}

struct ConstantLine {
    std::string_view name;
    std::int64_t value;
};
template <class T>
constexpr ConstantLine constant(std::string_view name, T value) {
    return {name, static_cast<std::int64_t>(value)};
}

/// A type, procedure or constant of the RFC that nothing of ours corresponds to.
struct Exempt {
    std::string_view name;
    std::string_view why;
};

struct Specification {
    std::string_view file;
    std::span<const TypeLine> types;
    std::span<const ProcedureLine> procedures;
    std::span<const ConstantLine> constants;
    std::span<const Exempt> exempt;
};
/// For readable failures.
inline void PrintTo(const Specification& specification, std::ostream* out) {
    *out << specification.file;
}

Specification zoo();       // xdr.x
Specification messages();  // rpc.x
Specification nfs3();
Specification mount1();  // versions 1 and 2
Specification mount3();
Specification portmap2();
Specification rpcbind();
Specification nlm4();
Specification nlm3();  // versions 1 to 3
Specification nsm();

/// What the RFCs call a list's item: it holds the rest of the list, which ours leaves to xdr::List.
template <class T>
struct Node {
    T item;
    xdr::List<T> rest;
};

}  // namespace berth::spec
