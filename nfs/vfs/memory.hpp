// A tree in RAM: no privileges, the same on every run, gone with the process. For tests, for
// testing clients, and for `berth serve --memory`. It decides permissions itself, by the rules of
// Linux.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

struct Options {
    /// For file contents, in blocks of 4 KiB; holes are free. Beyond it: no_space_on_device.
    std::uint64_t capacity_bytes = std::uint64_t{1} << 30;
    /// Objects of any kind, the root included.
    std::uint64_t capacity_files = std::uint64_t{1} << 20;
    std::uint32_t links_max = 32000;
    std::uint32_t root_mode = 01777;
    std::uint32_t root_uid = 0;
    std::uint32_t root_gid = 0;
    /// Part of every object id: ids of an earlier tree are stale in this one if it had another
    /// generation.
    std::uint64_t generation = 1;
    /// As the sysctl fs.protected_hardlinks: who neither owns a file nor may read and write it may
    /// not link it.
    bool protect_hard_links = false;
    /// Empty: the machine's clock. Whatever it says, no two changes are stamped with the same time,
    /// and none with an earlier one than the change before. Called under the tree's lock.
    std::function<Time()> clock;
};

/// An empty tree. A time of access moves when an object is read for the first time after a change,
/// as with the mount option relatime. No operation ever answers would_block; sync has nothing to
/// do; losses() stays 0. Inode numbers are never used again.
std::unique_ptr<FileSystem> make(const Options& options = {});

}  // namespace berth::vfs::memory
