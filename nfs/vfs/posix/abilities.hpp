// What this process, this kernel (or sandbox) and this file system can do; found out once, by
// trying.
#pragma once

#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

struct Abilities {
    bool change_identity = false;  ///< callers act as themselves, else all as the server's user
    bool confined_open = false;    ///< openat2
    bool cached_lookup = false;    ///< openat2 with RESOLVE_CACHED
    bool kernel_access = false;    ///< faccessat2
    bool remote = false;           ///< a network or user-space file system: any call may take long
    bool in_memory = false;        ///< nothing to wait for but what has gone to swap space
    bool groups_matter = false;    ///< to the server itself: it can't override all permissions
    MappedOwners mapped;           ///< whom it can act as, and give files to
    /// A position in a directory means something to one open descriptor only, or something else
    /// once an entry was removed.
    bool positions_pass = false;
    Limits limits;
};

/// `root`: the tree's root, open for reading.
Abilities find_abilities(int root);

}  // namespace berth::vfs::posix
