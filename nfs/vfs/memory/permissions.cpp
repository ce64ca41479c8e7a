#include "nfs/vfs/memory/permissions.hpp"

#include <algorithm>

#include <sys/stat.h>

namespace berth::vfs::memory {

bool is_root(const Identity& who) {
    return who.uid == 0;
}

bool is_owner_or_root(const Identity& who, const Inode& inode) {
    return is_root(who) || who.uid == inode.uid;
}

bool is_in_group(const Identity& who, gid_t gid) {
    return who.gid == gid || std::ranges::find(who.groups, gid) != who.groups.end();
}

std::uint8_t permitted(const Identity& who, const Inode& inode) {
    if (is_root(who)) {
        const bool runs = inode.type == FileType::directory || (inode.mode & 0111) != 0;
        return static_cast<std::uint8_t>(may_read | may_write | (runs ? may_execute : 0));
    }
    const auto shift = who.uid == inode.uid ? 6U : is_in_group(who, inode.gid) ? 3U : 0U;
    return static_cast<std::uint8_t>(inode.mode >> shift & 07U);
}

bool may(const Identity& who, const Inode& inode, std::uint8_t permissions) {
    return (permissions & ~permitted(who, inode)) == 0;
}

bool may_read_contents(const Identity& who, const Inode& inode) {
    return is_owner_or_root(who, inode) || (permitted(who, inode) & (may_read | may_execute)) != 0;
}

bool may_write_contents(const Identity& who, const Inode& inode) {
    return is_owner_or_root(who, inode) || may(who, inode, may_write);
}

bool sticky_forbids(const Identity& who, const Inode& directory, const Inode& entry) {
    return (directory.mode & S_ISVTX) != 0 && !is_owner_or_root(who, directory) &&
           !is_owner_or_root(who, entry);
}

bool may_link(const Identity& who, const Inode& inode) {
    if (is_owner_or_root(who, inode)) return true;
    constexpr std::uint32_t runs_as_group = S_ISGID | S_IXGRP;
    return inode.type == FileType::regular && (inode.mode & S_ISUID) == 0 &&
           (inode.mode & runs_as_group) != runs_as_group && may(who, inode, may_read | may_write);
}

std::uint32_t allowed_mode(const Identity& who, std::uint32_t mode, gid_t gid) {
    mode &= 07777;
    if (!is_root(who) && !is_in_group(who, gid)) mode &= ~std::uint32_t{S_ISGID};
    return mode;
}

std::uint32_t mode_after_write(const Identity& who, const Inode& inode) {
    return is_root(who) ? inode.mode : mode_after_chown(who, inode);
}

std::uint32_t mode_after_chown(const Identity& who, const Inode& inode) {
    if (inode.type == FileType::directory) return inode.mode;
    auto mode = inode.mode & ~std::uint32_t{S_ISUID};
    // Set-group-id without execute permission is harmless (it once requested mandatory locking) and
    // stays.
    if ((mode & S_IXGRP) != 0) mode &= ~std::uint32_t{S_ISGID};
    return allowed_mode(who, mode, inode.gid);
}

}  // namespace berth::vfs::memory
