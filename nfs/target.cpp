#include "nfs/target.hpp"

#include "nfs/status.hpp"

namespace berth::nfs {

PostOpAttributes Target::attributes_of(vfs::Node& other) const {
    const auto attributes = other.attributes(caller.wait);
    if (!attributes) {
        defer_if_blocked(*call, attributes.error());
        return {};
    }
    return shown(*attributes);
}

vfs::Result<void> Target::sync_if_promised(vfs::Node& other) const {
    if (!options->sync) return {};
    return other.sync(vfs::Sync::all);
}

}  // namespace berth::nfs
