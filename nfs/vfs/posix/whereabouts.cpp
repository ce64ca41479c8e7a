#include "nfs/vfs/posix/whereabouts.hpp"

#include <climits>
#include <optional>
#include <string>

#include <unistd.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

std::optional<std::string> path_of(int descriptor) {
    std::string path(PATH_MAX, '\0');
    const auto size = ::readlink(ReopenPath{descriptor}.text(), path.data(), path.size());
    // A longer path is not told.
    if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return std::nullopt;
    path.resize(static_cast<std::size_t>(size));
    return path;
}

bool is_same(const struct statx& a, const struct statx& b) {
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
           a.stx_dev_minor == b.stx_dev_minor;
}

bool is_root_of_mount(int directory) {
    const auto found = status(directory);
    return found && (found->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
           (found->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Whereabouts::Whereabouts(int root) : root_(root), matters_(!is_root_of_mount(root)) {}

bool Whereabouts::is_outside(int object) const {
    if (!matters_) return false;
    const auto root = path_of(root_);
    const auto path = path_of(object);
    if (!root || !path || path->starts_with(*root == "/" ? *root : *root + "/")) return false;
    if (*path == *root) return false;
    // The kernel tells a path also of what was removed, or whose parents it does not know. Only one
    // that leads there is a place.
    const auto there = status(AT_FDCWD, path->c_str());
    const auto found = status(object);
    if (!there || !found || !is_same(*there, *found)) return false;
    return S_ISDIR(found->stx_mode) || found->stx_nlink == 1;
}

}  // namespace berth::vfs::posix
