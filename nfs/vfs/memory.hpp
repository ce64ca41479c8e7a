// A tree in RAM: it needs no privileges, is the same on every run, and goes with the process. For
// tests, for testing clients, and for `berth serve --memory`. It checks permissions itself, by the
// rules of Linux.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

struct Options {
    /// For file contents, in blocks of 4 KiB; holes are free. Past it: no_space_on_device.
    std::uint64_t capacity_bytes = std::uint64_t{1} << 30;
    /// Objects of any kind, the root included.
    std::uint64_t capacity_files = std::uint64_t{1} << 20;
    std::uint32_t links_max = 32000;
    std::uint32_t root_mode = 01777;
    std::uint32_t root_uid = 0;
    std::uint32_t root_gid = 0;
    /// Part of every object id: ids of an earlier tree are stale in this one if its generation was
    /// different.
    std::uint64_t generation = 1;
    /// Like the sysctl fs.protected_hardlinks: only the owner of a file, or a user that may read
    /// and write it, may link it.
    bool protect_hard_links = false;
    /// Empty: the machine's clock. Whatever the clock returns, no two changes have the same time,
    /// and none is earlier than the change before. Called under the tree's lock.
    std::function<Time()> clock;
};

/// An empty tree. An access time moves when an object is first read after a change, as with the
/// mount option relatime. No operation ever returns would_block; sync has nothing to do; losses()
/// stays 0. Inode numbers are never reused.
std::unique_ptr<FileSystem> make(const Options& options = {});

}  // namespace berth::vfs::memory
