// Converts rpc::Patience to what a call may wait for in each subsystem. Only this file does so.
// Plain functions.
#pragma once

#include <system_error>

#include "nfs/vfs/types.hpp"
#include "rpc/call.hpp"

namespace berth::access {

/// Whether operations on files may wait. A call with brief patience may too: it is guarded, and its
/// operations take long only when something is wrong.
[[nodiscard]] constexpr vfs::Wait wait_for_files(rpc::Patience patience) noexcept {
    const bool may_wait = patience == rpc::Patience::brief || patience == rpc::Patience::ample;
    return may_wait ? vfs::Wait::yes : vfs::Wait::no;
}

/// Whether the call may wait for answers of other machines: a name server, a user directory.
[[nodiscard]] constexpr vfs::Wait wait_for_names(rpc::Patience patience) noexcept {
    return patience == rpc::Patience::ample ? vfs::Wait::yes : vfs::Wait::no;
}

/// Whether the call may wait until something is on disk.
[[nodiscard]] constexpr bool may_sync(rpc::Patience patience) noexcept {
    return patience == rpc::Patience::ample;
}

/// Whether the operation failed because this thread must not wait; if so, the call is deferred, and
/// its result is ignored.
bool defer_if_blocked(rpc::Call& call, std::errc error);

}  // namespace berth::access
