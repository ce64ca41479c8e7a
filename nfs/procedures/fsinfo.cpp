// FSINFO: tells what a file system and this server can do (RFC 1813 §3.3.19).
#include <algorithm>
#include <limits>

#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

FileSystemInfo::Result Service::file_system_info(rpc::Call& call,
                                                 const FileSystemInfo::Args& args) {
    constexpr std::uint32_t transfer_multiple = 4096;
    // Clients store sizes and offsets in signed numbers.
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

}  // namespace berth::nfs
