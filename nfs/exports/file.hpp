// Parses the text of exports(5) into a table. Everything that is not understood is a problem with
// its place; nothing is skipped silently. Reads no files and asks no services; plain functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/exports/client_rule.hpp"

namespace berth::exports {

/// The value of `fsid=`: the identity of an export, whatever its path.
struct GivenFsid {
    std::uint64_t number = 0;  ///< as clients see it in attributes
    std::string text;          ///< "7", or a UUID as 32 lower-case hex digits

    bool operator==(const GivenFsid&) const = default;
};

/// Everything that the file says about one path.
struct ListedExport {
    std::string path;  ///< normalised
    SourcePlace where;
    std::optional<GivenFsid> fsid;
    /// Exported only while a file system is mounted here (`mountpoint`).
    std::optional<std::string> mount_point;
    std::vector<ClientRule> clients;  ///< in the order of the file; never empty
};

struct Problem {
    SourcePlace where;
    std::string word;  ///< as written; empty if something is missing
    std::string what;

    /// "/etc/exports:3:17: 'rwx': there is no such option", always one line.
    [[nodiscard]] std::string text() const;
};

/// The contents of one or more files, and their problems. A listing with problems must not be used.
struct Listing {
    std::vector<ListedExport> exports;  ///< each path once
    std::vector<Problem> problems;
};

/// One client, in the syntax of exports(5). Empty if it is none; `problem` then says what was
/// expected.
[[nodiscard]] std::optional<ClientPattern> parse_client(std::string_view text,
                                                        std::string& problem);

namespace parsing {
struct Index;
}

/// Combines several files: all entries for one path belong together, wherever they are. The time
/// that it takes grows with the length of the texts, whatever is in them.
class FileParser {
public:
    FileParser();
    FileParser(const FileParser&) = delete;
    FileParser& operator=(const FileParser&) = delete;
    ~FileParser();

    /// `file` is the name for places.
    void add(std::string_view text, const std::string& file);
    [[nodiscard]] Listing take() &&;

private:
    Listing list_;
    std::unique_ptr<parsing::Index> index_;
};

/// The same for one file.
[[nodiscard]] Listing parse_exports(std::string_view text, const std::string& file);

}  // namespace berth::exports
