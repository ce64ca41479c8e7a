// The outcome of every file-system operation: a value or the operating system's own error number.
// Those that have no enumerator in std::errc are named here.
#pragma once

#include <cerrno>
#include <system_error>

#include <boost/system/result.hpp>

namespace berth::vfs {

template <class T>
using Result = boost::system::result<T, std::errc>;

/// The object named by a handle is gone, or was never in this file system.
inline constexpr std::errc stale{ESTALE};
/// The bytes are no handle of this server: made up, damaged, or sealed with another key. EBADFD
/// because no file operation of the kernel answers it, as a mistake of ours with a descriptor would
/// answer EBADF.
inline constexpr std::errc bad_handle{EBADFD};
/// The caller's quota is used up; not the same as no_space_on_device.
inline constexpr std::errc over_quota{EDQUOT};
/// Asked with Wait::no, and the answer would have needed the disk: ask again with Wait::yes.
inline constexpr std::errc would_block = std::errc::operation_would_block;

}  // namespace berth::vfs
