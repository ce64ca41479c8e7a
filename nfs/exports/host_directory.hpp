// Names of addresses, addresses of names, members of netgroups: what decides about client entries
// with names. server/ asks the system; tests answer themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nfs/exports/client_address.hpp"

namespace berth::exports {

/// A name or address that was found means yes. One that was not found means no only if every
/// service that may know it has answered.
struct HostNames {
    std::vector<std::string> found;
    bool is_whole = true;  ///< false: there may be more
};
struct HostAddresses {
    std::vector<ClientAddress> found;
    bool has_all_v4 = true;  ///< false: there may be more IPv4 addresses
    bool has_all_v6 = true;

    [[nodiscard]] bool has_all_like(const ClientAddress& address) const noexcept {
        return address.is_v4() ? has_all_v4 : has_all_v6;
    }
};
enum class Membership : std::uint8_t { no, yes, unknown };

/// May block for as long as a name server takes; several threads call it at once.
class HostDirectory {
public:
    HostDirectory() = default;
    HostDirectory(const HostDirectory&) = delete;
    HostDirectory& operator=(const HostDirectory&) = delete;
    virtual ~HostDirectory() = default;

    /// The names that resolve back to this address; anybody can claim other names.
    virtual HostNames names(const ClientAddress& address) = 0;
    virtual HostAddresses addresses(const std::string& host) = 0;
    /// Whether this host, a name or an address as text, is in the netgroup.
    virtual Membership is_member(const std::string& netgroup, const std::string& host) = 0;
};

}  // namespace berth::exports
