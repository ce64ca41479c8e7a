// What a caller wants set, in the kernel's words. No state.
#pragma once

#include <array>
#include <ctime>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// To the kernel this id means "leave it".
inline constexpr std::uint32_t no_id = ~0U;

/// Whether an object of this type can have them at all, whoever asks: is_a_directory (size),
/// invalid_argument, file_too_large.
Result<void> check_values(const NewAttributes& wanted, FileType type);

/// Access and modification, for utimensat(2).
std::array<timespec, 2> to_kernel_times(const NewAttributes& wanted);

}  // namespace berth::vfs::posix
