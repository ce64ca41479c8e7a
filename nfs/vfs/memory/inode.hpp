// Everything about one object of the tree. Plain data; the tree's lock guards it.
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

/// The one value that is neither a user nor a group.
inline constexpr std::uint32_t no_id = 0xFFFFFFFF;

struct Inode {
    FileType type = FileType::regular;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t links = 0;  ///< 0: removed; whoever still pins it gets stale
    DeviceNumber device;
    std::uint64_t fileid = 0;
    Time accessed;
    Time modified;
    Time changed;
    /// One of its names, as long as it is there: the directory's number, and the position in it.
    struct Named {
        std::uint64_t directory = 0;
        std::uint64_t position = 0;
    };
    Named named;
    /// From the exclusive create that made it, until its contents or times are changed.
    std::optional<CreateVerifier> verifier;
    Body body;
};

[[nodiscard]] Attributes attributes_of(const Inode& inode);

/// Sets the time of a change to the object; a change of its contents sets `modified` too.
inline void stamp_changed(Inode& inode, Time now) {
    inode.changed = now;
}
inline void stamp_modified(Inode& inode, Time now) {
    inode.modified = inode.changed = now;
}

}  // namespace berth::vfs::memory
