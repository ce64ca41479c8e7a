// Converts attributes between the file system's form and the wire's (RFC 1813 §2.5).
#pragma once

#include <optional>

#include "nfs/exports/exports.hpp"
#include "nfs/types.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::nfs {

/// Seconds that do not fit into 32 bits become the nearest that do.
[[nodiscard]] Time to_wire(const vfs::Time& time);
/// Clients take 0 for "no such object", so it is replaced.
[[nodiscard]] std::uint64_t presentable_fileid(std::uint64_t fileid);
/// The fsid of a part of an export (vfs::Attributes::part).
[[nodiscard]] std::uint64_t presentable_fsid(std::uint64_t of_export, std::uint64_t part);
[[nodiscard]] FileType to_wire(vfs::FileType type);
/// As callers with these options see them.
[[nodiscard]] Attributes to_wire(const vfs::Attributes& attributes, const exports::Export& exported,
                                 const exports::Options& options);
[[nodiscard]] WccAttributes to_wcc(const vfs::Attributes& attributes);
/// Whether a file system with times of that granularity takes both for one time.
[[nodiscard]] bool is_same(const Time& a, const Time& b, const vfs::Time& granularity);

/// The owner or group 0xFFFFFFFF stays as it is; chown(2) and knfsd treat it the same way.
/// invalid_argument for nanoseconds of 10^9 and more; file_too_large for sizes past 2^63-1.
[[nodiscard]] vfs::Result<vfs::NewAttributes> from_wire(const NewAttributes& wanted);

}  // namespace berth::nfs
