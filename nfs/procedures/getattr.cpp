// GETATTR: reads an object's attributes (RFC 1813 §3.3.1).
#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

GetAttributes::Result Service::get_attributes(rpc::Call& call, const GetAttributes::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto attributes = target->node->attributes(target->caller.patience);
    if (!attributes) return {fail(call, attributes.error()), {}};
    return GetAttributes::Ok{target->shown(*attributes)};
}

}  // namespace berth::nfs
