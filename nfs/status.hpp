// Maps the operating system's errors to those of RFC 1813 §2.6: one table.
#pragma once

#include <system_error>

#include "nfs/types.hpp"

namespace berth::nfs {

/// Never ok. An error without a code of its own in the protocol gets the nearest one that clients
/// can act on.
[[nodiscard]] Status to_status(std::errc error);

/// The status for a failed operation. A reply that asks the client to try again later is not kept
/// for duplicates of the call.
[[nodiscard]] Status fail(rpc::Call& call, std::errc error);

/// The same for a failure after something has been changed, as when making it durable. A retry
/// would change it twice, so a shortage on the server becomes an I/O error.
[[nodiscard]] Status fail_after_change(std::errc error);

}  // namespace berth::nfs
