// From the operating system's errors to those of RFC 1813 §2.6: one table.
#pragma once

#include <system_error>

#include "nfs/types.hpp"

namespace berth::nfs {

/// Never ok. What has no code of its own in the protocol gets the nearest one that clients can act
/// on.
[[nodiscard]] Status to_status(std::errc error);

/// The status to answer a failed operation with. A reply that asks to try again later is not kept
/// for duplicates of the call.
[[nodiscard]] Status fail(rpc::Call& call, std::errc error);

/// The same for what fails once something has been changed, as making it durable may. To try again
/// would be to change it twice, so what the server is short of is an I/O error then.
[[nodiscard]] Status fail_after_change(std::errc error);

/// Whether the operation failed because this thread must not wait; then the call is deferred, and
/// what it would answer is of no importance. The one place where that is decided.
bool defer_if_blocked(rpc::Call& call, std::errc error);

}  // namespace berth::nfs
