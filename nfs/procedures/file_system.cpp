// FSSTAT, FSINFO, PATHCONF: what the file system of an object has and can do.
#include <algorithm>
#include <limits>

#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

FileSystemStatus::Result Service::file_system_status(rpc::Call& call,
                                                     const FileSystemStatus::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto space = target->node->space(target->caller);
    if (!space) return {fail(call, space.error()), {target->attributes()}};
    return FileSystemStatus::Ok{.attributes = target->attributes(),
                                .total_bytes = space->total_bytes,
                                .free_bytes = space->free_bytes,
                                .available_bytes = space->available_bytes,
                                .total_files = space->total_files,
                                .free_files = space->free_files,
                                .available_files = space->available_files,
                                .unchanged_seconds = 0};
}

FileSystemInfo::Result Service::file_system_info(rpc::Call& call,
                                                 const FileSystemInfo::Args& args) {
    constexpr std::uint32_t transfer_multiple = 4096;
    // Clients keep sizes and offsets in signed numbers.
    constexpr std::uint64_t signed_max = std::numeric_limits<std::int64_t>::max();
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto limits = target->node->limits(target->caller);
    if (!limits) return {fail(call, limits.error()), {target->attributes()}};
    const auto transfer = transfer_bytes_max(call);
    return FileSystemInfo::Ok{.attributes = target->attributes(),
                              .read_max = transfer,
                              .read_preferred = transfer,
                              .read_multiple = transfer_multiple,
                              .write_max = transfer,
                              .write_preferred = transfer,
                              .write_multiple = transfer_multiple,
                              .directory_preferred = transfer,
                              .file_bytes_max = std::min(limits->file_bytes_max, signed_max),
                              .time_granularity = to_wire(limits->time_granularity),
                              .properties = FileSystemInfo::can_link | FileSystemInfo::can_symlink |
                                            FileSystemInfo::homogeneous |
                                            FileSystemInfo::can_set_time};
}

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
