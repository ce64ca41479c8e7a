// The common part of REMOVE and RMDIR: removing a name.
#pragma once

#include <utility>

#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

/// `take` removes the name: Result<void>(const Target&, name).
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

}  // namespace berth::nfs
