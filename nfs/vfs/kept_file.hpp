// Small files that must be whole after a crash.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace berth::vfs {

/// Puts a file with this text into the place of the one that is there: whole or not at all, and on
/// disk when this returns. Only its owner may read it. Not for two threads at once.
[[nodiscard]] std::error_code replace_file(const std::filesystem::path& file,
                                           const std::string& text);

}  // namespace berth::vfs
