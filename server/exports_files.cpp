#include "server/exports_files.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "server/input_file.hpp"

namespace berth::server {

namespace {

/// In the folder of the system's configuration.
constexpr const char* system_file = "exports";
constexpr const char* system_directory = "exports.d";

}  // namespace

std::vector<boost::filesystem::path> system_exports_files(const boost::filesystem::path& etc) {
    boost::system::error_code ignored;
    std::vector<boost::filesystem::path> files;
    for (const auto& entry :
         boost::filesystem::directory_iterator{etc / system_directory, ignored}) {
        const auto name = entry.path().filename().string();
        if (name.ends_with(".exports") && !name.starts_with('.')) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    if (const auto first = etc / system_file; boost::filesystem::exists(first, ignored))
        files.insert(files.begin(), first);
    return files;
}

exports::Listing list_exports(const std::vector<boost::filesystem::path>& files, Reading reading,
                              const Places& places) {
    exports::FileParser parser;
    std::vector<exports::Problem> unread;
    for (const auto& file : files) {
        try {
            parser.add(contents_of(file, reading), name_of(file));
        } catch (const UnreadFile& error) {
            unread.push_back({{.file = with_place(places, name_of(file))}, {}, error.why()});
        }
    }
    auto list = std::move(parser).take();
    list.problems.insert(list.problems.begin(), unread.begin(), unread.end());
    return list;
}

std::vector<exports::ListedExport> read_exports(const std::vector<boost::filesystem::path>& files,
                                                Reading reading, const Places& places) {
    auto list = list_exports(files, reading, places);
    if (list.problems.empty()) return std::move(list.exports);
    auto text = list.problems.front().text();
    if (const auto more = list.problems.size() - 1; more > 0)
        text += " (and " + std::to_string(more) + " more, which 'berth exports check' lists)";
    throw UsageError(text);
}

bool is_mount_point(const std::string& path) {
    struct statx status {};
    const bool is_there = ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) == 0;
    return is_there && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace berth::server
