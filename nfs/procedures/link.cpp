// LINK: gives an object another name (RFC 1813 §3.3.15).
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

Link::Result Service::link(rpc::Call& call, const Link::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto directory = open_to_change(call, args.link.directory);
    if (!directory)
        return {fail(call, directory.error()), {.file = file->attributes(), .directory = {}}};
    const auto refuse = [&](Status status) -> Link::Result {
        return {status, {file->attributes(), directory->unchanged()}};
    };
    if (file->is_read_only() || directory->is_read_only()) return refuse(Status::read_only);
    if (!file->is_beside(*directory)) return refuse(Status::cross_device);
    const auto bytes_max = directory->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(args.link.name, NameUse::create, bytes_max))
        return refuse(*refused);

    WccRecorder recorder{*directory};
    const auto linked = directory->exported->files->link(directory->caller, *file->node,
                                                         *directory->node, args.link.name);
    auto wcc = recorder.finish();
    if (!linked) return {fail(call, linked.error()), {file->attributes(), std::move(wcc)}};
    auto durable = file->sync_if_promised();
    if (durable) durable = directory->sync_if_promised();
    if (!durable) return {fail_after_change(durable.error()), {file->attributes(), std::move(wcc)}};
    return Link::Ok{file->attributes(), std::move(wcc)};
}

}  // namespace berth::nfs
