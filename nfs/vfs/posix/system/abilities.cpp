#include "nfs/vfs/posix/system/abilities.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/figures.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"

namespace berth::vfs::posix {
namespace {

// From linux/magic.h or, if that lacks them, from the file systems' own sources.
constexpr std::array<unsigned, 9> remote_magics{
    0x6969,      // NFS
    0x65735546,  // FUSE
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x00C36400,  // Ceph
    0x01021997,  // 9P
    0x5346414F,  // AFS
    0x47504653,  // GPFS
    0x0BD00BD0,  // Lustre
};

constexpr std::array<unsigned, 2> memory_magics{
    0x01021994,  // tmpfs
    0x858458F6,  // ramfs
};

// These number entries from the beginning, separately for each open directory. Positions below FUSE
// may be stable, but nothing says so.
constexpr std::array<unsigned, 8> counting_magics{
    0x794C7630,  // overlayfs
    0x65735546,  // FUSE
    0x858458F6,  // ramfs
    0x61756673,  // aufs
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x0000482B,  // HFS+
    0x786F4256,  // VirtualBox's shared folders
};

// tmpfs did so too before Linux 6.6.
constexpr std::array<unsigned, 1> once_counting_magics{0x01021994};

bool is_linux_before(int major, int minor) {
    utsname about{};
    int found_major = 0;
    int found_minor = 0;
    if (::uname(&about) != 0) return true;
    // NOLINTNEXTLINE(cert-err34-c): a malformed release counts as the oldest
    if (std::sscanf(about.release, "%d.%d", &found_major, &found_minor) != 2) return true;
    return std::pair{found_major, found_minor} < std::pair{major, minor};
}

bool is_one_of(std::span<const unsigned> magics, int root) {
    struct statfs found {};
    if (::fstatfs(root, &found) != 0) return false;
    return std::ranges::find(magics, static_cast<unsigned>(found.f_type)) != magics.end();
}

bool can_open(int root, std::uint64_t resolve) {
    auto opened = open_beneath(root, ".", O_PATH, resolve);
    // would_block: not in memory at this moment, but the flag is supported.
    return opened || opened.error() == would_block;
}

}  // namespace

Abilities find_abilities(int root) {
    auto mapped = MappedOwners::of_process();
    const bool change_identity = Acting::is_possible(mapped);
    const bool overrides_all = overrides_permissions() && mapped.are_all();
    return {
        .change_identity = change_identity,
        .confined_open = can_open(root, RESOLVE_BENEATH),
        .cached_lookup = can_open(root, RESOLVE_BENEATH | RESOLVE_CACHED),
        .kernel_access = check_access(root, F_OK).has_value(),
        .remote = is_one_of(remote_magics, root),
        .in_memory = is_one_of(memory_magics, root),
        .groups_matter = !overrides_all,
        .mapped = std::move(mapped),
        .positions_pass = is_one_of(counting_magics, root) ||
                          (is_linux_before(6, 6) && is_one_of(once_counting_magics, root)),
        .limits = find_limits(root),
    };
}

}  // namespace berth::vfs::posix
