// Whether an object lies in the tree by the name under which it is held open, as far as the
// kernel's own paths tell. Constant after construction; any thread. Questions are asked by a thread
// that acts as the server.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/object_identity.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class Whereabouts {
public:
    /// Opens an entry of a directory as O_PATH, confined to the tree.
    using OpenEntry = std::function<Result<Descriptor>(int directory, const char* name, Wait wait)>;

    /// `root` is open and outlives this. `takes_paths`: whether `open_entry` does so, of several
    /// names with '/' between them, and follows none of them out of the directory.
    Whereabouts(int root, const ObjectIdentity& identity, OpenEntry open_entry, bool takes_paths);

    /// Whether anything can lie outside at all: not when the root of the tree is that of its whole
    /// file system. That it is the root of a mount does not suffice: a part of a file system can be
    /// mounted by itself.
    [[nodiscard]] bool matters() const noexcept { return matters_; }

    /// False when the object does not lie in the tree by that name, or nobody can tell; what is no
    /// directory may have others. With Wait::no: would_block when a disk is to be waited for.
    /// A directory's costs the same at any depth, nearly.
    [[nodiscard]] Result<bool> is_inside(int object, FileType type, Wait wait) const;

private:
    class Path;

    [[nodiscard]] Result<std::optional<bool>> is_told_inside(int object, Wait wait) const;
    [[nodiscard]] Result<bool> leads_to(const char* way, int object, Wait wait) const;
    [[nodiscard]] bool is_same(int one, int other) const;
    [[nodiscard]] Result<Descriptor> open_below(const char* way, Wait wait) const;
    [[nodiscard]] Result<bool> is_deep_inside(int directory, Wait wait) const;

    const int root_;
    const ObjectIdentity identity_;
    const OpenEntry open_entry_;
    const bool takes_paths_;
    bool matters_ = true;
    // What a path says is so: no part of the file system is hidden from the kernel's way up.
    bool paths_are_places_ = false;
};

}  // namespace berth::vfs::posix
