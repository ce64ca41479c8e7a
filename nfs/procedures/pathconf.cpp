// PATHCONF: tells the rules for names on a file system (RFC 1813 §3.3.20).
#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

PathConfiguration::Result Service::path_configuration(rpc::Call& call,
                                                      const PathConfiguration::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto limits = target->node->limits(target->caller);
    if (!limits) return {fail(call, limits.error()), {target->attributes()}};
    return PathConfiguration::Ok{.attributes = target->attributes(),
                                 .links_max = limits->links_max,
                                 .name_bytes_max = limits->name_bytes_max,
                                 .refuses_long_names = true,
                                 .restricts_chown = true,
                                 .case_insensitive = limits->case_insensitive,
                                 .case_preserving = limits->case_preserving};
}

}  // namespace berth::nfs
