#include "nfs/vfs/posix/kernel_handles.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fcntl.h>

#include "nfs/vfs/posix/node/node.hpp"

namespace berth::vfs::posix {
namespace {

// Takes the place of a name if the directory is the one in the object's handles.
constexpr std::string_view of_way = ".";

// Enough for the names of some 200,000 files.
constexpr std::size_t scan_bytes_max = std::size_t{8} << 20;

}  // namespace

KernelHandles::KernelHandles(int root, const ObjectIdentity& identity, bool can_lose,
                             FindDirectory find_directory, OpenEntry open_entry,
                             MovedObjects::OpenStore open_store, bool has_names)
    : root_(root),
      identity_(identity),
      can_lose_(can_lose),
      find_directory_(std::move(find_directory)),
      open_entry_(std::move(open_entry)),
      scans_(scan_bytes_max),
      moved_(std::move(open_store), has_names) {}

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
    // File systems report in different ways that they no longer know a handle.
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
        if (place.name == of_way) continue;
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
        // The entry has gone, or something is mounted over it.
        const bool is_other = opened.error() == std::errc::no_such_file_or_directory ||
                              opened.error() == std::errc::permission_denied;
        return is_other ? stale : opened.error();
    }
    const auto found = identity_.identify(opened->number());
    if (!found || !(*found == id)) return stale;
    return opened;
}

void KernelHandles::unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    if (!moved_.may_know()) return;
    moved_.erase(id, directory, name);
    // If only the way is left, nothing needs it any more.
    const auto left = moved_.find(id);
    if (left.size() == 1 && left.front().name == of_way)
        moved_.erase(id, left.front().directory, of_way);
}

bool KernelHandles::wants_moves(bool between_directories) const {
    return can_lose_ && (between_directories || moved_.may_know());
}

std::optional<ObjectId> KernelHandles::kept_way_of(const ObjectId& id) {
    for (const auto& place : moved_.find(id))
        if (place.name == of_way) return place.directory;
    return std::nullopt;
}

Result<Way> KernelHandles::way_to(const ObjectId& id, const std::optional<Way>& held,
                                  const Entry& as, Patience patience) {
    const auto here = ObjectIdentity::way_through(as.directory, id);
    if (held && *held == here) return here;
    if (!held && !moved_.may_know()) return here;
    if (patience == Patience::none && !moved_.is_in_use()) return would_block;
    std::optional<ObjectId> directory;
    if (held && !held->bytes().empty()) directory = ObjectIdentity::directory_on(*held, id);
    if (!held) directory = kept_way_of(id);
    if (!directory || *directory == as.directory) return held.value_or(here);
    // The way does not lead there, and the remaining name does not tell the way.
    if (patience == Patience::none) {
        const bool is_kept = moved_.put_at_once(id, *directory, of_way) &&
                             moved_.put_at_once(id, as.directory, as.name);
        if (!is_kept) return would_block;
    } else {
        moved_.put(id, *directory, of_way);
        moved_.put(id, as.directory, as.name);
    }
    return held ? *held : ObjectIdentity::way_through(*directory, id);
}

void KernelHandles::moved(const ObjectId& id, const std::optional<Way>& way, const Entry& from,
                          const Entry& to) {
    if (from.directory == to.directory) {
        // The way leads to any name in that directory, unless the name there is a later one.
        const auto known = moved_.find(id);
        if (std::ranges::none_of(known, [&](const Place& place) {
                return place.directory == from.directory && place.name == from.name;
            }))
            return;
    }
    if (!kept_way_of(id)) {
        const auto told = way ? ObjectIdentity::directory_on(*way, id) : from.directory;
        if (!told.bytes().empty()) moved_.put(id, told, of_way);
    }
    moved_.erase(id, from.directory, from.name);
    moved_.put(id, to.directory, to.name);
}

void KernelHandles::linked(const ObjectId& id, const Way& way, const Entry& as) {
    if (!can_lose_) return;
    const auto told = ObjectIdentity::directory_on(way, id);
    if (told == as.directory && (!moved_.may_know() || moved_.find(id).empty())) return;
    if (!told.bytes().empty()) moved_.put(id, told, of_way);
    moved_.put(id, as.directory, as.name);
}

std::string KernelHandles::describe() const {
    return "objects are found by the kernel's file handles";
}

}  // namespace berth::vfs::posix
