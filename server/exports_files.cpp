#include "server/exports_files.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "server/input_file.hpp"

namespace berth::server {

namespace {

constexpr const char* system_file = "/etc/exports";
constexpr const char* system_directory = "/etc/exports.d";

}  // namespace

std::vector<boost::filesystem::path> system_exports_files() {
    boost::system::error_code ignored;
    if (!boost::filesystem::exists(system_file, ignored)) return {};
    std::vector<boost::filesystem::path> files;
    for (const auto& entry : boost::filesystem::directory_iterator{system_directory, ignored}) {
        const auto name = entry.path().filename().string();
        if (name.ends_with(".exports") && !name.starts_with('.')) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    files.insert(files.begin(), system_file);
    return files;
}

exports::Listing list_exports(const std::vector<boost::filesystem::path>& files, Reading reading) {
    exports::Listing list;
    for (const auto& file : files)
        exports::parse_exports(contents_of(file, reading), file.string(), list);
    return list;
}

std::vector<exports::ListedExport> read_exports(const std::vector<boost::filesystem::path>& files,
                                                Reading reading) {
    auto list = list_exports(files, reading);
    if (list.problems.empty()) return std::move(list.exports);
    auto text = list.problems.front().text();
    if (const auto more = list.problems.size() - 1; more > 0)
        text += " (and " + std::to_string(more) + " more, which `berth exports check` lists)";
    throw UsageError(text);
}

bool is_mount_point(const std::string& path) {
    struct statx status {};
    const bool is_there = ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) == 0;
    return is_there && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace berth::server
