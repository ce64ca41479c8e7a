// The common part of CREATE, MKDIR, SYMLINK and MKNOD: a new name, and a new object for it.
#pragma once

#include <utility>

#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

/// Drops owners that map to none on the server, like those that the caller may not set.
inline vfs::Result<vfs::NewAttributes> of_new(const Target& directory, const NewAttributes& asked) {
    auto wanted = from_wire(asked);
    if (wanted) static_cast<void>(exports::map_owners(*directory.options, *wanted));
    return wanted;
}

/// `make` creates the object in the directory: Result<NodePtr>(const Target&, name).
template <class Make>
Create::Result Service::make(rpc::Call& call, const Entry& where, Make make) {
    const auto directory = open_to_change(call, where.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    if (directory->is_read_only()) return {Status::read_only, {directory->unchanged()}};
    const auto bytes_max = directory->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(where.name, NameUse::create, bytes_max))
        return {*refused, {directory->unchanged()}};

    WccRecorder recorder{*directory};
    const vfs::Result<vfs::NodePtr> made = make(*directory, where.name.view());
    auto wcc = recorder.finish();
    if (!made) return {fail(call, made.error()), {std::move(wcc)}};
    auto durable = directory->sync_if_promised(**made);
    if (durable) durable = directory->sync_if_promised();
    if (!durable) return {fail_after_change(durable.error()), {std::move(wcc)}};
    return Created{.object = seal(call, *directory->exported, **made),
                   .attributes = directory->attributes_of(**made),
                   .directory = std::move(wcc)};
}

}  // namespace berth::nfs
