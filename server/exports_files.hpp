// Reads the files of exports(5).
#pragma once

#include <string>
#include <vector>

#include <boost/filesystem/path.hpp>

#include "nfs/exports/file.hpp"
#include "server/options.hpp"

namespace berth::server {

/// /etc/exports, and the files in /etc/exports.d that end in ".exports" and don't begin with a dot,
/// sorted by name. Those that are there: either may be missing.
[[nodiscard]] std::vector<boost::filesystem::path>
system_exports_files(const boost::filesystem::path& etc = "/etc");

/// The contents of all files, with their problems. That a file can't be read is one, and told with
/// the place where the file is named.
[[nodiscard]] exports::Listing list_exports(const std::vector<boost::filesystem::path>& files,
                                            Reading reading, const Places& places = {});

/// The same, but without problems. Throws UsageError with the first problem, in one line.
[[nodiscard]] std::vector<exports::ListedExport>
read_exports(const std::vector<boost::filesystem::path>& files, Reading reading,
             const Places& places = {});

/// Whether the path is the root of a mounted file system.
[[nodiscard]] bool is_mount_point(const std::string& path);

}  // namespace berth::server
