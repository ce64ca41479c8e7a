// The figures that a file system reports, made sensible: some report nothing, or values that no
// client could handle. No state.
#pragma once

#include <sys/statvfs.h>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The limits of the tree's file system, probed at its root.
Limits find_limits(int root);

/// The longest possible name of an entry beside this object.
Result<std::uint32_t> name_bytes_max(int object);

/// The space for the object and everything below it, as the thread's current identity sees it.
/// `as_root`: including what is reserved for root.
Result<Space> space_around(int object, bool as_root);

/// Converts reported figures to numbers that df(1) and clients can handle.
Space to_space(const struct statvfs& figures, bool as_root);

}  // namespace berth::vfs::posix
