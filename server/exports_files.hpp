// Reads the files of exports(5).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nfs/vfs/exports_file.hpp"

namespace berth::server {

/// /etc/exports, and the files in /etc/exports.d that end in ".exports" and don't begin with a dot,
/// by name. None when there is no /etc/exports.
[[nodiscard]] std::vector<std::filesystem::path> system_exports_files();

/// All that the files say, with its problems. Throws UsageError when one can't be read.
[[nodiscard]] vfs::ExportsList list_exports(const std::vector<std::filesystem::path>& files);

/// The same without problems. Throws UsageError naming the first of them, in one line.
[[nodiscard]] std::vector<vfs::ListedExport>
read_exports(const std::vector<std::filesystem::path>& files);

/// Whether the root of a mounted file system is there.
[[nodiscard]] bool is_mount_point(const std::string& path);

}  // namespace berth::server
