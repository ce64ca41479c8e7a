// Where a caller can reach a registered service, and whether a caller may register one: what the
// versions of the portmapper judge alike.
#pragma once

#include <optional>

#include "portmap/registry.hpp"
#include "rpc/call.hpp"

namespace berth::portmap {

/// The address to tell this caller. A service bound to a certain address is there; one bound to
/// "any" is where the caller reached us. Empty when the caller came by the other family of
/// addresses and so nothing is known of this one (but a machine that has one loopback address has
/// both).
[[nodiscard]] std::optional<rpc::Endpoint> reachable_at(const Registration& registration,
                                                        const rpc::Call& call);

/// 127.0.0.1 or ::1.
[[nodiscard]] rpc::Address loopback(bool v6);

/// Whether SET and UNSET are open to this caller: only a program on this machine, RFC 1833 §2.2.2.
[[nodiscard]] bool may_register(const rpc::Call& call);

/// Only root can call from a reserved port.
[[nodiscard]] bool is_superuser(const rpc::Call& call);

}  // namespace berth::portmap
