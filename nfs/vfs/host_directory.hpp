// Who is who: names of addresses, addresses of names, members of netgroups. What client entries
// with names are decided by. server/ asks the system; tests answer themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nfs/vfs/client_address.hpp"

namespace berth::vfs {

/// May block for as long as a name server takes; called from several threads at once. Empty
/// optionals: nobody could be asked just now.
class HostDirectory {
public:
    HostDirectory() = default;
    HostDirectory(const HostDirectory&) = delete;
    HostDirectory& operator=(const HostDirectory&) = delete;
    virtual ~HostDirectory() = default;

    /// The names that lead back to this address: others are anybody's to claim.
    virtual std::optional<std::vector<std::string>> names(const ClientAddress& address) = 0;
    virtual std::optional<std::vector<ClientAddress>> addresses(const std::string& host) = 0;
    /// Whether this host, a name or an address as text, is of the netgroup.
    virtual bool is_member(const std::string& netgroup, const std::string& host) = 0;
};

}  // namespace berth::vfs
