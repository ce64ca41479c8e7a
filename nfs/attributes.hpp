// Attributes between the file system's form and that of the wire (RFC 1813 §2.5).
#pragma once

#include <optional>

#include "nfs/types.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::nfs {

/// Seconds that 32 bits can't hold become the nearest ones that they can.
[[nodiscard]] Time to_wire(const vfs::Time& time);
/// Clients take 0 for "no such object", so it stands in for none that a file system gives.
[[nodiscard]] std::uint64_t presentable_fileid(std::uint64_t fileid);
/// The fsid of that part of an export (vfs::Attributes::part).
[[nodiscard]] std::uint64_t presentable_fsid(std::uint64_t of_export, std::uint64_t part);
[[nodiscard]] FileType to_wire(vfs::FileType type);
/// As the callers with these options are to see it.
[[nodiscard]] Attributes to_wire(const vfs::Attributes& attributes, const vfs::Export& exported,
                                 const vfs::ExportOptions& options);
[[nodiscard]] WccAttributes to_wcc(const vfs::Attributes& attributes);
/// Whether both are one time to a file system that keeps times no finer than that.
[[nodiscard]] bool is_same(const Time& a, const Time& b, const vfs::Time& granularity);

/// The owner or group 0xFFFFFFFF is left as it is: so chown(2) takes it, and so does knfsd.
/// invalid_argument for nanoseconds of 10^9 and more; file_too_large for sizes past 2^63-1.
[[nodiscard]] vfs::Result<vfs::NewAttributes> from_wire(const NewAttributes& wanted);

}  // namespace berth::nfs
