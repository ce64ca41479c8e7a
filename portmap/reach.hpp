// Where a caller can reach a registered service, and whether a caller may register one: rules that
// all versions of the portmapper share.
#pragma once

#include <optional>

#include "portmap/registry.hpp"
#include "rpc/call.hpp"

namespace berth::portmap {

/// The address to tell this caller: the address that the service is bound to or, if that is "any",
/// the one on which the caller reached us. Empty if the caller used the other address family, since
/// nothing is known about this one then. (A machine with one loopback address has both, though.)
[[nodiscard]] std::optional<rpc::Endpoint> reachable_at(const Registration& registration,
                                                        const rpc::Call& call);

/// 127.0.0.1 or ::1.
[[nodiscard]] rpc::Address loopback(bool v6);

/// Whether this caller may SET and UNSET: only programs on this machine may, RFC 1833 §2.2.2.
[[nodiscard]] bool may_register(const rpc::Call& call);

/// Only root can call from a reserved port.
[[nodiscard]] bool is_superuser(const rpc::Call& call);

}  // namespace berth::portmap
