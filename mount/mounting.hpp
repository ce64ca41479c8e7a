// From the path that a client asks to mount to the handle of a directory.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "mount/protocol.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/handle.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::mount {

/// A directory found: its handle, its path as the mount list is to show it, how calls there are to
/// say who they are, most wanted first, and what its file system can do.
struct Found {
    vfs::Handle handle;
    std::string path;
    std::vector<vfs::Flavor> flavors;
    vfs::Limits limits;
};

/// Asked about an export, by its path, each time a client enters it: whether the path leads to what
/// is exported under it. Where another directory is there, that one is exported when this returns.
/// Fails when nothing is there, or nothing that can be exported. May wait.
using Renew = std::function<vfs::Result<void>(const std::string& path)>;

/// What MNT goes by. All that is referred to outlives this.
struct Places {
    const vfs::Exports& exports;
    const vfs::HandleSealer& sealer;
    Renew renew;  ///< without it, exports stay what they are
};

/// Goes from the longest matching export that is for this client to the directory, name by name.
/// Symbolic links are followed, the last name's too, as far as they lead to what is exported to
/// this client, be it another export: as rpc.mountd does. It walks as the server itself: a client's
/// root mounts, and whether its users may enter is decided when they do. A path that no export for
/// this client leads to, is not absolute or has a ".." is access_denied, so is one whose links lead
/// to such a place, a client that has to call from a port below 1024 and does not is not_permitted;
/// otherwise the status says what is wrong with the way. May wait for the disk, and for a name
/// server.
[[nodiscard]] boost::system::result<Found, Status>
find(const Places& places, const vfs::CallOrigin& from, std::string_view path);

}  // namespace berth::mount
