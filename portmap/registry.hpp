// The services of this machine, their addresses and their owners: the one table behind all versions
// of the portmapper. The server enters what it serves itself; other programs on the machine use SET
// and UNSET. Locks itself, never for long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "portmap/netid.hpp"
#include "rpc/endpoint.hpp"

namespace berth::portmap {

/// Owners as rpcbind names them: root, and an unknown user.
inline constexpr std::string_view superuser = "superuser";
inline constexpr std::string_view unknown_user = "unknown";

/// One line of the table. Program, version and netid are its key.
struct Registration {
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    Netid netid = Netid::tcp;
    rpc::Endpoint at;  ///< the address may be "any"
    std::string owner{superuser};
};

class Registry {
public:
    /// A DUMP of this many entries fits into a datagram.
    static constexpr std::size_t entries_max = 512;
    static constexpr std::size_t owner_bytes_max = 64;

    /// Enters what this server serves itself; nobody outside can remove it. False as for set().
    bool add_own(Registration registration) { return add(std::move(registration), true); }

    /// False, and nothing changes, if the key is taken, the table is full, the owner's name is too
    /// long, the port is 0 or the address is not of the netid's family.
    bool set(Registration registration) { return add(std::move(registration), false); }

    /// Removes the entries of this program and version on the given transport, or on all. Own
    /// entries stay; only the superuser removes those of the superuser. False if nothing was
    /// removed.
    bool unset(std::uint32_t program, std::uint32_t version, std::optional<Netid> netid,
               bool by_superuser);

    /// Exactly this version.
    [[nodiscard]] std::optional<Registration> find(std::uint32_t program, std::uint32_t version,
                                                   Netid netid) const;

    /// This version, or else the program's highest on this transport: the program itself will tell
    /// a caller which versions it has.
    [[nodiscard]] std::optional<Registration>
    find_any_version(std::uint32_t program, std::uint32_t version, Netid netid) const;

    /// All entries, in the order in which they were entered.
    [[nodiscard]] std::vector<Registration> all() const;

private:
    struct Entry {
        Registration registration;
        bool own;
    };

    bool add(Registration registration, bool own);

    boost::synchronized_value<std::vector<Entry>, std::mutex> entries_;
};

}  // namespace berth::portmap
