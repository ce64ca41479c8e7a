// What there is to know about one object of the tree. Plain data; the tree's lock guards it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "nfs/vfs/memory/contents.hpp"
#include "nfs/vfs/memory/directory.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

/// The text of a symbolic link.
struct Target {
    std::string text;
};

/// By type: nothing, a regular file's bytes, a directory's entries, a symbolic link's text.
using Body = std::variant<std::monostate, Contents, Directory, Target>;

/// The one value that is no user and no group.
inline constexpr std::uint32_t no_id = 0xFFFFFFFF;

struct Inode {
    FileType type = FileType::regular;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 0;  ///< 0: removed; whoever still pins it is told that it is stale
    DeviceNumber device;
    std::uint64_t fileid = 0;
    Time accessed;
    Time modified;
    Time changed;
    /// Of the exclusive create that made it, until its contents or times are changed.
    std::optional<CreateVerifier> verifier;
    Body body;
};

[[nodiscard]] Attributes attributes_of(const Inode& inode);

/// The time of a change to the object itself; `modified` too when it is one of its contents.
inline void stamp_changed(Inode& inode, Time now) {
    inode.changed = now;
}
inline void stamp_modified(Inode& inode, Time now) {
    inode.modified = inode.changed = now;
}

}  // namespace berth::vfs::memory
