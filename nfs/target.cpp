#include "nfs/target.hpp"

#include "nfs/access/patience.hpp"

namespace berth::nfs {

PostOpAttributes Target::attributes_of(vfs::Node& other) const {
    const auto attributes = other.attributes(caller.patience);
    if (!attributes) {
        access::defer_if_blocked(*call, attributes.error());
        return {};
    }
    return shown(*attributes);
}

}  // namespace berth::nfs
