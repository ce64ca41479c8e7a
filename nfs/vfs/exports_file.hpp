// The text of exports(5) as a table. Whatever is not understood is a problem with its place:
// nothing is skipped in silence. Reads no files and asks nobody; plain functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/client_rule.hpp"

namespace berth::vfs {

/// What `fsid=` says: the identity of an export, whatever its path.
struct GivenFsid {
    std::uint64_t number = 0;  ///< as clients see it in attributes
    std::string text;          ///< "7", or a UUID as 32 lower-case hex digits

    bool operator==(const GivenFsid&) const = default;
};

/// All that the file says of one path.
struct ListedExport {
    std::string path;  ///< normalised
    SourcePlace where;
    std::optional<GivenFsid> fsid;
    /// Exported only while a file system is mounted here (`mountpoint`).
    std::optional<std::string> mount_point;
    std::vector<ClientRule> clients;  ///< in the order of the file; never empty
};

struct ExportsProblem {
    SourcePlace where;
    std::string word;  ///< as written; empty when it is about what is missing
    std::string what;

    /// "/etc/exports:3:17: 'rwx': there is no such option", always one line.
    [[nodiscard]] std::string text() const;
};

/// What one or more files say, and what is wrong with them. A table with problems is not to be
/// used.
struct ExportsList {
    std::vector<ListedExport> exports;  ///< no path twice
    std::vector<ExportsProblem> problems;
};

/// Adds what the text says to `list`; `file` is how places name it. What is said of one path in
/// several places belongs together.
void parse_exports(std::string_view text, const std::string& file, ExportsList& list);

}  // namespace berth::vfs
