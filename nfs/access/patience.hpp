// What a call may wait for, from where it runs. Only this file knows both. Plain functions.
#pragma once

#include <system_error>

#include "nfs/vfs/types.hpp"
#include "rpc/call.hpp"

namespace berth::access {

[[nodiscard]] constexpr vfs::Patience patience_of(const rpc::Call& call) noexcept {
    if (call.is_late || call.where == rpc::Where::network_thread) return vfs::Patience::none;
    return call.where == rpc::Where::section ? vfs::Patience::brief : vfs::Patience::ample;
}

/// Whether the operation failed because this thread must not wait; if so, the call is deferred, and
/// its result is ignored.
bool defer_if_blocked(rpc::Call& call, std::errc error);

}  // namespace berth::access
