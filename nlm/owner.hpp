// Owners of locks, and how to call waiters back. Plain values.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "nfs/vfs/locked_ranges.hpp"
#include "rpc/endpoint.hpp"

namespace berth::nlm {

/// A client machine: the address that its calls come from, and the caller_name that it gives there.
/// The name alone proves nothing; several clients may share an address.
struct Host {
    rpc::Address address;
    std::string name;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const Host&) const = default;
    /// "10.0.0.2 (name)", for people.
    [[nodiscard]] std::string text() const;
};

/// A process of a client, as its lock manager identifies it: svid and the opaque owner handle.
struct Owner {
    Host host;
    std::int32_t svid = 0;
    std::string handle;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const Owner&) const = default;
};

/// Identifies a file in the lock table, whatever handle and export a caller uses.
using FileKey = std::string;

/// The circumstances in which an owner got a lock or a share.
struct Taken {
    std::int32_t state = 0;           ///< the client's state number then; 0: unknown
    bool from_reserved_port = false;  ///< then only a call from such a port removes it
};

/// Selects from what an owner has.
using IsMeant = std::function<bool(const Owner& owner, const Taken& taken)>;

struct LockRequest {
    FileKey file;
    Owner owner;
    vfs::LockedRange wanted;
    std::int32_t state = 0;  ///< the client's state number at the time; 0: unknown
    /// Whether the call came from one. Users of the client can't give back locks that its root
    /// requested.
    bool from_reserved_port = false;
    /// As in the call, to be repeated in GRANTED.
    std::string file_handle;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Where to call a caller's lock manager: only at the address that the call came from, from the
/// address that it came to, over its transport, in its version.
struct ReturnPath {
    rpc::Address client;
    rpc::Address local;
    rpc::Transport transport = rpc::Transport::tcp;
    std::uint32_t version = 4;
    bool from_reserved_port = false;  ///< whether to call from a port that only root can use
    bool by_message = false;          ///< the call was a _MSG, so GRANTED must be one too
    std::size_t call_bytes = 0;       ///< the size of the texts in the call there
    bool is_owed = false;             ///< the server calls of its own accord, not because of a call
};

}  // namespace berth::nlm
