// LOOKUP: finds the object of a name (RFC 1813 §3.3.3).
#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

Lookup::Result Service::lookup(rpc::Call& call, const Lookup::Args& args) {
    const auto directory = open(call, args.what.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    const auto bytes_max = directory->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(args.what.name, NameUse::look_up, bytes_max))
        return {*refused, {directory->attributes()}};
    const auto beyond = cross(call, *directory, args.what.name);
    if (!beyond) return {fail(call, beyond.error()), {directory->attributes()}};
    if (const auto& there = *beyond) {
        return Lookup::Ok{.object = seal(call, *there->exported, *there->node),
                          .attributes = there->attributes(),
                          .directory = directory->attributes()};
    }
    const auto found = directory->node->lookup(directory->caller, args.what.name);
    if (!found) return {fail(call, found.error()), {directory->attributes()}};
    return Lookup::Ok{.object = seal(call, *directory->exported, **found),
                      .attributes = directory->attributes_of(**found),
                      .directory = directory->attributes()};
}

}  // namespace berth::nfs
