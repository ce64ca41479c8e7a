// As whom the calling thread touches files. The kernel keeps a file-system identity per thread;
// this is the one place that changes it and the one thread-local in the project, so that it changes
// only when it must.
#pragma once

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class ThreadIdentity {
public:
    /// Whether this process can act as others and, when it does, loses root's powers over files.
    /// Tried out on the calling thread, which acts as the server afterwards.
    static bool can_change();

    /// From now on this thread acts as the caller: user, group and supplementary groups. On failure
    /// the thread acts as nobody in particular, and file work must not be done.
    static Result<void> become(const Identity& caller);

    /// From now on this thread acts as the server itself, with all the powers the server has.
    static Result<void> become_server();
};

}  // namespace berth::vfs::posix
