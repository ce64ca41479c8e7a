// Small files of the server's own that must be whole after a crash. Others may be able to put
// something else under their names: a symbolic link is never followed, a FIFO never waited for, and
// what is already there never written into.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "nfs/vfs/result.hpp"

namespace berth::vfs {

/// The whole of a regular file. too_many_symbolic_link_levels: a symbolic link is there;
/// is_a_directory; invalid_argument: something else that is no regular file; file_too_large: more
/// than 64 MiB.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& file);

/// As read_file(); empty when there is none. For files without which the server would forget a
/// promise: throws std::system_error that names the file when it is there and can't be read.
[[nodiscard]] std::string read_file_if_there(const std::filesystem::path& file);

/// Puts a file with this text into the place of the one that is there: whole or not at all, and on
/// disk when this returns. Only its owner may read it. Not for two threads at once.
[[nodiscard]] std::error_code replace_file(const std::filesystem::path& file,
                                           const std::string& text);

}  // namespace berth::vfs
