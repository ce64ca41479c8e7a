// From the path that a client asks to mount to the handle of a directory.
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "mount/protocol.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/handle.hpp"

namespace berth::mount {

/// A directory found: its handle, and its path as the mount list is to show it.
struct Found {
    vfs::Handle handle;
    std::string path;
};

/// Goes from the longest matching export to the directory, name by name, never through a symbolic
/// link, never out of the export. It walks as the server itself: a client's root mounts, and
/// whether its users may enter is decided when they do. A path that no export leads to, is not
/// absolute or has a ".." is access_denied; otherwise the status says what is wrong with the way.
/// May wait for the disk.
[[nodiscard]] boost::system::result<Found, Status>
find(const vfs::Exports& exports, const vfs::HandleSealer& sealer, std::string_view path);

}  // namespace berth::mount
