// REMOVE, RMDIR, RENAME, LINK: names that go, change and come.
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

// What REMOVE and RMDIR have in common; `take` takes the name away: Result<void>(const Target&,
// name).
template <class Take>
Remove::Result Service::take_away(rpc::Call& call, const Entry& object, NameUse use, Take take) {
    const auto directory = open_to_change(call, object.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    if (directory->is_read_only()) return {Status::read_only, {directory->unchanged()}};
    const auto bytes_max = directory->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(object.name, use, bytes_max))
        return {*refused, {directory->unchanged()}};

    WccRecorder recorder{*directory};
    const vfs::Result<void> taken = take(*directory, object.name.view());
    auto wcc = recorder.finish();
    if (!taken) return {fail(call, taken.error()), {std::move(wcc)}};
    if (const auto durable = directory->sync_if_promised(); !durable)
        return {fail_after_change(durable.error()), {std::move(wcc)}};
    return Remove::Ok{std::move(wcc)};
}

Remove::Result Service::remove(rpc::Call& call, const Remove::Args& args) {
    return take_away(call, args.object, NameUse::remove,
                     [](const Target& directory, std::string_view name) {
                         return directory.node->remove(directory.caller, name);
                     });
}

RemoveDirectory::Result Service::remove_directory(rpc::Call& call,
                                                  const RemoveDirectory::Args& args) {
    return take_away(call, args.object, NameUse::remove_directory,
                     [](const Target& directory, std::string_view name) {
                         return directory.node->remove_directory(directory.caller, name);
                     });
}

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
    const auto renamed = from->node->rename(from->caller, args.from.name, *to->node, args.to.name);
    auto wcc = recorder.finish();
    if (!renamed)
        return {fail(call, renamed.error()), {std::move(wcc.first), std::move(wcc.second)}};
    // The new name first: whatever the crash, the object is to be found under one of the two.
    auto durable = to->sync_if_promised();
    if (durable && from->node != to->node) durable = from->sync_if_promised();
    if (!durable)
        return {fail_after_change(durable.error()), {std::move(wcc.first), std::move(wcc.second)}};
    return Rename::Ok{std::move(wcc.first), std::move(wcc.second)};
}

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
    const auto linked = directory->node->link(directory->caller, args.link.name, *file->node);
    auto wcc = recorder.finish();
    if (!linked) return {fail(call, linked.error()), {file->attributes(), std::move(wcc)}};
    auto durable = file->sync_if_promised();
    if (durable) durable = directory->sync_if_promised();
    if (!durable) return {fail_after_change(durable.error()), {file->attributes(), std::move(wcc)}};
    return Link::Ok{file->attributes(), std::move(wcc)};
}

}  // namespace berth::nfs
