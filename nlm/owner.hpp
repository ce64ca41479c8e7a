// Who locks, and how to call back who waits. Plain values.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "nfs/vfs/locked_ranges.hpp"
#include "rpc/endpoint.hpp"

namespace berth::nlm {

/// A client machine: the address its calls come from, and the caller_name that it gives itself
/// there. The name alone proves nothing; several clients may share an address.
struct Host {
    rpc::Address address;
    std::string name;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const Host&) const = default;
    /// "10.0.0.2 (name)"
    [[nodiscard]] std::string text() const;
};

/// A process of a client, as its lock manager tells them apart: svid and the opaque owner handle.
struct Owner {
    Host host;
    std::int32_t svid = 0;
    std::string handle;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const Owner&) const = default;
};

/// Names a file in the lock table, whichever handle of it and whichever export a caller uses.
using FileKey = std::string;

/// How an owner came by what it has.
struct Taken {
    std::int32_t state = 0;           ///< the client's state number then; 0: unknown
    bool from_reserved_port = false;  ///< then it goes only by word from one
};

/// Of what an owner has: whether it is meant.
using IsMeant = std::function<bool(const Owner& owner, const Taken& taken)>;

struct LockRequest {
    FileKey file;
    Owner owner;
    vfs::LockedRange wanted;
    std::int32_t state = 0;  ///< state number of the client then; 0: unknown
    /// As the call came. What root of the client has asked for, its users do not give back.
    bool from_reserved_port = false;
    /// As the call had them, to be repeated in GRANTED.
    std::string file_handle;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Where the lock manager of a caller is to be called: at the address that the call came from and
/// nowhere else, from the address that it came to, over its transport, in its version.
struct ReturnPath {
    rpc::Address client;
    rpc::Address local;
    rpc::Transport transport = rpc::Transport::tcp;
    std::uint32_t version = 4;
    bool from_reserved_port = false;  ///< to be called from a port that only root has
    bool by_message = false;          ///< the call was a _MSG, and so is to be GRANTED
    std::size_t call_bytes = 0;       ///< of the texts in a call there
    bool is_owed = false;             ///< the server calls by itself, not because of a call
};

}  // namespace berth::nlm
