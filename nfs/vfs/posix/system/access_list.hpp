// Permission to execute as the file itself grants it by its mode and access control list, whatever
// mount options the server's file system has. No state.
#pragma once

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The Permission bits that the mode grants. Ignores access control lists.
[[nodiscard]] int permissions_by_mode(uid_t uid, const Identity& identity, const Attributes& now);

/// `object` is open, O_PATH at least; `now` are its attributes.
[[nodiscard]] bool grants_execution(int object, uid_t uid, const Identity& identity,
                                    const Attributes& now);

/// Whether the object is on a mount where the server may execute nothing.
[[nodiscard]] bool is_mounted_without_execution(int object);

}  // namespace berth::vfs::posix
