// The outcome of every file-system operation: a value, or the operating system's error number.
// Errors without an enumerator in std::errc are named here.
#pragma once

#include <cerrno>
#include <system_error>

#include <boost/system/result.hpp>

namespace berth::vfs {

template <class T>
using Result = boost::system::result<T, std::errc>;

/// The object named by a handle is gone, or was never in this file system.
inline constexpr std::errc stale{ESTALE};
/// The bytes are not a handle of this server: made up, damaged, or sealed with another key. EBADFD,
/// because no file operation of the kernel returns it; a descriptor bug of ours would give EBADF.
inline constexpr std::errc bad_handle{EBADFD};
/// The caller's quota is used up; different from no_space_on_device.
inline constexpr std::errc over_quota{EDQUOT};
/// Asked with Patience::none, but the answer needs the disk: ask again with more.
inline constexpr std::errc would_block = std::errc::operation_would_block;

}  // namespace berth::vfs
