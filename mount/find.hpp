// Resolves the path that a client asks to mount to the handle of a directory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "mount/protocol.hpp"
#include "mount/refusal.hpp"
#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::mount {

/// A directory that was found: its handle, its path for the mount list, the entry that decided, in
/// words, the flavours that calls may use there, preferred ones first, and the limits of its file
/// system.
struct Found {
    exports::Handle handle;
    std::string path;
    std::string entry;
    std::vector<exports::Flavor> flavors;
    vfs::Limits limits;
};

/// Called with the path of an export each time a client enters it: checks whether the path still
/// leads to what is exported. If another directory is there, that one is exported on return. Fails
/// if nothing is there, or nothing that can be exported. May wait.
using Renew = std::function<vfs::Result<void>(const std::string& path)>;

/// The objects that MNT depends on. Everything referred to outlives this.
struct Places {
    const exports::Exports& exports;
    const exports::HandleSealer& sealer;
    Renew renew;  ///< without it, exports stay as they are
};

/// Goes name by name from the longest matching export that is for this client to the directory.
/// Follows symbolic links, even as the last name, as far as they lead to what is exported to this
/// client, in another export too: as rpc.mountd does. It walks as the server itself: a client's
/// root mounts, and users' access is checked later. access_denied: no export for this client
/// contains the path or the place that a link leads to, or the path is not absolute or has a "..".
/// not_permitted: the client must call from a port below 1024 and does not. Otherwise the status
/// says what is wrong on the way. May wait for the disk, and for a name server.
[[nodiscard]] boost::system::result<Found, Refusal>
find(const Places& places, const exports::CallOrigin& from, std::string_view path);

/// The export that the path leads into, as for exports::place_of; 0 for none.
[[nodiscard]] std::uint64_t place_of(const Places& places, std::string_view path);

}  // namespace berth::mount
