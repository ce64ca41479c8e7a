// From the operating system's errors to those of RFC 1813 §2.6: one table.
#pragma once

#include <system_error>

#include "nfs/types.hpp"

namespace berth::nfs {

/// Never ok. What has no code of its own in the protocol gets the nearest one that clients can act
/// on.
[[nodiscard]] Status to_status(std::errc error);

}  // namespace berth::nfs
