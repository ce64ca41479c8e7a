// The caller of an RPC call, in the terms of exports. Plain functions.
#pragma once

#include "nfs/exports/claim.hpp"
#include "nfs/exports/table.hpp"
#include "rpc/call.hpp"

namespace berth::access {

/// The address and port that the call came from.
[[nodiscard]] exports::CallOrigin origin_of(const rpc::Call& call) noexcept;
/// The user that the call claims to be. The objects that it points to live as long as the call.
[[nodiscard]] exports::Claim claim_of(rpc::Call& call);

}  // namespace berth::access
