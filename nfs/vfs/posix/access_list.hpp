// Permission to execute as the file itself grants it, mode and access control list, whatever the
// server has mounted its file system with. No state.
#pragma once

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// What the mode's bits say: a set of Permission bits. Blind to access control lists.
[[nodiscard]] int permissions_by_mode(uid_t uid, const Identity& identity, const Attributes& now);

/// `object` is open, O_PATH at least; `now` are its attributes.
[[nodiscard]] bool grants_execution(int object, uid_t uid, const Identity& identity,
                                    const Attributes& now);

/// Whether the object is where the server itself may execute nothing.
[[nodiscard]] bool is_mounted_without_execution(int object);

}  // namespace berth::vfs::posix
