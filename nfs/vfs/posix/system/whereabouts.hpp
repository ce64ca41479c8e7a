// Whether an object lies in the tree under the name by which it is held open, as far as the
// kernel's own paths tell. Any thread. Threads that act as the server ask the questions.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/posix/system/object_identity.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class Whereabouts {
public:
    /// Opens an entry of a directory as O_PATH, confined to the tree.
    using OpenEntry =
        std::function<Result<Descriptor>(int directory, const char* name, Patience patience)>;

    /// `root` is open and outlives this. `takes_paths`: whether `open_entry` accepts several names
    /// with '/' between them, and follows none of them out of the directory.
    Whereabouts(int root, const ObjectIdentity& identity, OpenEntry open_entry, bool takes_paths);

    /// Whether anything can lie outside at all: not if the tree's root is the root of its whole
    /// file system. Being the root of a mount does not suffice, because a part of a file system can
    /// be mounted by itself.
    [[nodiscard]] bool matters() const noexcept { return matters_; }

    /// False if the object does not lie in the tree by that name, or if nobody can tell; an object
    /// that is not a directory may have other names. With Patience::none: would_block if the answer
    /// would have to wait for a disk. A directory costs nearly the same at any depth.
    [[nodiscard]] Result<bool> is_inside(int object, FileType type, Patience patience) const;

private:
    class Path;
    // The root's path, as it was reported within this second: asking for it costs as much as asking
    // for the object's.
    struct RecentRoot {
        std::string path;
        std::int64_t second = 0;
    };

    [[nodiscard]] Result<std::optional<bool>> is_told_inside(int object, Patience patience) const;
    [[nodiscard]] Result<bool> leads_to(const char* way, int object, Patience patience) const;
    [[nodiscard]] bool is_same(int one, int other) const;
    [[nodiscard]] Result<Descriptor> open_below(const char* way, Patience patience) const;
    [[nodiscard]] Result<bool> is_deep_inside(int directory, Patience patience) const;
    [[nodiscard]] bool is_below_recent_root(const Path& path) const;
    void remember_root(const Path& root) const;

    const int root_;
    const ObjectIdentity identity_;
    const OpenEntry open_entry_;
    const bool takes_paths_;
    bool matters_ = true;
    // Paths can be believed: no part of the file system is hidden from the kernel's way up.
    bool paths_are_places_ = false;
    mutable boost::synchronized_value<RecentRoot, std::mutex> recent_root_;
};

}  // namespace berth::vfs::posix
