// Reads files that control the server: exports, the configuration. They may be pipes, and it may be
// that nobody ever writes to those.
#pragma once

#include <chrono>
#include <string>

#include <boost/filesystem/path.hpp>

#include "server/options.hpp"

namespace berth::server {

/// For messages: "-" is "standard input".
[[nodiscard]] std::string name_of(const boost::filesystem::path& file);

class UnreadFile : public UsageError {
public:
    UnreadFile(const boost::filesystem::path& file, const std::string& why)
        : UsageError(name_of(file) + ": " + why),
          why_(why) {}
    /// Without the file's name.
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    std::string why_;
};

/// Reads all of it, at most 16 MiB; "-" is standard input. At the start a file that is not regular
/// is read for as long as data comes within the patience. Later it is refused, because its contents
/// were consumed, except for devices that have data at once, above all /dev/null. Throws
/// UnreadFile.
std::string contents_of(const boost::filesystem::path& path, Reading reading,
                        std::chrono::milliseconds patience = std::chrono::seconds{5});

}  // namespace berth::server
