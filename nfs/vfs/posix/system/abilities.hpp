// The abilities of this process, this kernel (or sandbox) and this file system; found out once, by
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
    bool in_memory = false;        ///< only memory in swap space can make a call wait
    bool groups_matter = false;    ///< to the server too: it can't override all permissions
    MappedOwners mapped;           ///< the ids that it can act as and give files to
    /// Positions in a directory are valid only for one open descriptor, or change their meaning
    /// when an entry is removed.
    bool positions_pass = false;
    Limits limits;
};

/// `root`: the tree's root, open for reading.
Abilities find_abilities(int root);

}  // namespace berth::vfs::posix
