// FSSTAT: tells how much space a file system has (RFC 1813 §3.3.18).
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

}  // namespace berth::nfs
