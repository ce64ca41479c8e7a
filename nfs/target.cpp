#include "nfs/target.hpp"

namespace berth::nfs {

PostOpAttributes Target::attributes_of(vfs::Node& other) const {
    const auto attributes = other.attributes(caller.wait);
    if (!attributes) return {};
    return to_wire(*attributes, *exported);
}

vfs::Result<void> Target::sync_if_promised(vfs::Node& other) const {
    if (!exported->options.sync) return {};
    return other.sync(vfs::Sync::all);
}

}  // namespace berth::nfs
