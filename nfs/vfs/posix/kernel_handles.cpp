#include "nfs/vfs/posix/kernel_handles.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fcntl.h>

#include "nfs/vfs/posix/node.hpp"

namespace berth::vfs::posix {
namespace {

// Enough for the names of some 200,000 files.
constexpr std::size_t scan_bytes_max = std::size_t{8} << 20;

}  // namespace

KernelHandles::KernelHandles(int root, const ObjectIdentity& identity, bool can_lose,
                             FindDirectory find_directory, OpenEntry open_entry,
                             MovedObjects::OpenStore open_store)
    : root_(root),
      identity_(identity),
      can_lose_(can_lose),
      find_directory_(std::move(find_directory)),
      open_entry_(std::move(open_entry)),
      scans_(scan_bytes_max),
      moved_(std::move(open_store)) {}

Result<void> KernelHandles::try_out(int root, const ObjectId& root_id) {
    // Not O_DIRECTORY: newer kernels let some processes without the capability open directories
    // only.
    auto opened = open_kernel_handle(root, root_id, O_PATH | O_NOFOLLOW);
    if (!opened) return opened.error();
    const Descriptor closing{*opened};
    return {};
}

Result<Descriptor> KernelHandles::open(const ObjectId& id) {
    auto opened = open_kernel_handle(root_, id, O_PATH | O_NOFOLLOW);
    if (opened) return Descriptor{*opened};
    // File systems differ in how they say that a handle means nothing to them any more.
    if (opened.error() == std::errc::no_such_file_or_directory) return stale;
    return opened.error();
}

Result<Descriptor> KernelHandles::open_by_name(const ObjectId& id, const Way& way,
                                               std::uint64_t inode) {
    if (const auto above = ObjectIdentity::directory_on(way, id); !above.bytes().empty()) {
        const auto directory = find_directory_(above);
        if (!directory && directory.error() != stale) return directory.error();
        auto found = directory
                         ? scans_.find((*directory)->path(), above, inode,
                                       [&](const char* name) {
                                           return open_verified((*directory)->path(), name, id);
                                       })
                         : stale;
        if (found || found.error() != stale) return found;
    }
    for (const auto& place : moved_.find(id)) {
        const auto directory = find_directory_(place.directory);
        if (!directory && directory.error() != stale) return directory.error();
        auto found =
            directory ? open_verified((*directory)->path(), place.name.c_str(), id) : stale;
        if (found || found.error() != stale) return found;
    }
    return stale;
}

Result<Descriptor> KernelHandles::open_verified(int directory, const char* name,
                                                const ObjectId& id) const {
    auto opened = open_entry_(directory, name);
    if (!opened) {
        // Gone, or hidden under something mounted.
        const bool is_other = opened.error() == std::errc::no_such_file_or_directory ||
                              opened.error() == std::errc::permission_denied;
        return is_other ? stale : opened.error();
    }
    const auto found = identity_.identify(opened->number());
    if (!found || !(*found == id)) return stale;
    return opened;
}

void KernelHandles::unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    moved_.erase(id, directory, name);
}

bool KernelHandles::wants_moves(bool between_directories) const {
    return can_lose_ && (between_directories || moved_.is_in_use());
}

void KernelHandles::moved(const ObjectId& id, const Entry& from, const Entry& to) {
    if (from.directory == to.directory) {
        // The way leads to any name in that directory, unless it is a later one.
        const auto known = moved_.find(id);
        if (std::ranges::none_of(known, [&](const Place& place) {
                return place.directory == from.directory && place.name == from.name;
            }))
            return;
    }
    moved_.erase(id, from.directory, from.name);
    moved_.put(id, to.directory, to.name);
}

void KernelHandles::linked(const ObjectId& id, const Way& way, const Entry& as) {
    if (!can_lose_) return;
    const bool is_on_way = ObjectIdentity::directory_on(way, id) == as.directory;
    if (!is_on_way || (moved_.is_in_use() && !moved_.find(id).empty()))
        moved_.put(id, as.directory, as.name);
}

std::string KernelHandles::describe() const {
    return "objects are found by the kernel's file handles, which survive a restart";
}

}  // namespace berth::vfs::posix
