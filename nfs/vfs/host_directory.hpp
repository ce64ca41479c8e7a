// Who is who: names of addresses, addresses of names, members of netgroups. What client entries
// with names are decided by. server/ asks the system; tests answer themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nfs/vfs/client_address.hpp"

namespace berth::vfs {

/// What is found says yes; that something is not found says no only where everybody who may know
/// it has answered.
struct HostNames {
    std::vector<std::string> found;
    bool is_whole = true;  ///< false: there may be more
};
struct HostAddresses {
    std::vector<ClientAddress> found;
    bool has_all_v4 = true;  ///< false: there may be more of IPv4
    bool has_all_v6 = true;

    [[nodiscard]] bool has_all_like(const ClientAddress& address) const noexcept {
        return address.is_v4() ? has_all_v4 : has_all_v6;
    }
};
enum class Membership : std::uint8_t { no, yes, unknown };

/// May block for as long as a name server takes; called from several threads at once.
class HostDirectory {
public:
    HostDirectory() = default;
    HostDirectory(const HostDirectory&) = delete;
    HostDirectory& operator=(const HostDirectory&) = delete;
    virtual ~HostDirectory() = default;

    /// The names that lead back to this address: others are anybody's to claim.
    virtual HostNames names(const ClientAddress& address) = 0;
    virtual HostAddresses addresses(const std::string& host) = 0;
    /// Whether this host, a name or an address as text, is of the netgroup.
    virtual Membership is_member(const std::string& netgroup, const std::string& host) = 0;
};

}  // namespace berth::vfs
