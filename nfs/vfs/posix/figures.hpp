// What a file system says of itself, as far as it makes sense: some say nothing, or what no client
// could live with. No state.
#pragma once

#include <sys/statvfs.h>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// What the file system of the tree can do, tried out on its root.
Limits find_limits(int root);

/// The longest name that entries beside this object can have.
Result<std::uint32_t> name_bytes_max(int object);

/// The room there is for the object and what is below it, by the thread's present identity.
/// `as_root`: with what is reserved for root.
Result<Space> space_around(int object, bool as_root);

/// The same of figures told: no number but one that df(1) and clients can count with.
Space to_space(const struct statvfs& figures, bool as_root);

}  // namespace berth::vfs::posix
