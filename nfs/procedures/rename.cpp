// RENAME: gives an object another name (RFC 1813 §3.3.14).
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

Rename::Result Service::rename(rpc::Call& call, const Rename::Args& args) {
    const auto from = open_to_change(call, args.from.directory);
    if (!from) return {fail(call, from.error()), {}};
    const auto to = open_to_change(call, args.to.directory);
    if (!to)
        return {fail(call, to.error()), {.from_directory = from->unchanged(), .to_directory = {}}};
    const auto refuse = [&](Status status) -> Rename::Result {
        return {status, {from->unchanged(), to->unchanged()}};
    };
    if (from->is_read_only() || to->is_read_only()) return refuse(Status::read_only);
    if (!from->is_beside(*to)) return refuse(Status::cross_device);
    const auto bytes_max = from->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(args.from.name, NameUse::rename, bytes_max))
        return refuse(*refused);
    if (const auto refused = refuse_name(args.to.name, NameUse::rename, bytes_max))
        return refuse(*refused);

    WccRecorderPair recorder{*from, *to};
    const auto renamed = from->exported->files->rename(from->caller, *from->node, args.from.name,
                                                       *to->node, args.to.name);
    auto wcc = recorder.finish();
    if (!renamed)
        return {fail(call, renamed.error()), {std::move(wcc.first), std::move(wcc.second)}};
    // The new name first: after a crash the object must have one of the two names.
    auto durable = to->sync_if_promised();
    if (durable && from->node != to->node) durable = from->sync_if_promised();
    if (!durable)
        return {fail_after_change(durable.error()), {std::move(wcc.first), std::move(wcc.second)}};
    return Rename::Ok{std::move(wcc.first), std::move(wcc.second)};
}

}  // namespace berth::nfs
