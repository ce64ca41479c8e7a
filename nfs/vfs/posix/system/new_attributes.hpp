// Attributes that a caller wants to set, in the kernel's terms. No state.
#pragma once

#include <array>
#include <ctime>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The kernel takes this id as "leave unchanged".
inline constexpr std::uint32_t no_id = ~0U;

/// Whether an object of this type can have these attributes at all, whoever sets them:
/// is_a_directory (size), invalid_argument, file_too_large.
Result<void> check_values(const NewAttributes& wanted, FileType type);

/// Access and modification times for utimensat(2).
std::array<timespec, 2> to_kernel_times(const NewAttributes& wanted);

}  // namespace berth::vfs::posix
