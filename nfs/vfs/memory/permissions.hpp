// Permission checks by the rules of Linux, as functions of the caller and the object. An identity
// with uid 0 has the capabilities of root; any other has none.
#pragma once

#include <cstdint>

#include "nfs/vfs/memory/inode.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

[[nodiscard]] bool is_root(const Identity& who);
[[nodiscard]] bool is_owner_or_root(const Identity& who, const Inode& inode);
[[nodiscard]] bool is_in_group(const Identity& who, gid_t gid);

/// The permissions that the mode bits give: the owner's, the group's or the others' alone. Root may
/// do everything, but may execute a file only if some execute bit is set.
[[nodiscard]] std::uint8_t permitted(const Identity& who, const Inode& inode);

/// Whether all of these Permission bits are permitted.
[[nodiscard]] bool may(const Identity& who, const Inode& inode, std::uint8_t permissions);

/// An owner may read and write its file whatever the mode says: the client checked when it opened
/// the file. A file that can be executed can be read.
[[nodiscard]] bool may_read_contents(const Identity& who, const Inode& inode);
[[nodiscard]] bool may_write_contents(const Identity& who, const Inode& inode);

/// In a directory with the sticky bit, only the owner of the entry or of the directory may remove
/// the entry.
[[nodiscard]] bool sticky_forbids(const Identity& who, const Inode& directory, const Inode& entry);

/// Whether a file may get a second name where hard links are protected.
[[nodiscard]] bool may_link(const Identity& who, const Inode& inode);

/// The requested mode, without the set-group-id bit if the caller is not in the group.
[[nodiscard]] std::uint32_t allowed_mode(const Identity& who, std::uint32_t mode, gid_t gid);

/// The mode after this caller has changed the contents: what others wrote must not run with the
/// owner's rights.
[[nodiscard]] std::uint32_t mode_after_write(const Identity& who, const Inode& inode);

/// The mode after the owner or group has changed, even by root.
[[nodiscard]] std::uint32_t mode_after_chown(const Identity& who, const Inode& inode);

}  // namespace berth::vfs::memory
