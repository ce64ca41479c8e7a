#include "server/exports_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "server/options.hpp"

namespace berth::server {

namespace {

constexpr const char* system_file = "/etc/exports";
constexpr const char* system_directory = "/etc/exports.d";
constexpr std::size_t file_bytes_max = std::size_t{16} << 20;

std::string contents(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text;
    text.resize(file_bytes_max + 1);
    if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (file.fail() && !file.eof()))
        throw UsageError(path.string() + ": " + std::strerror(errno));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max)
        throw UsageError(path.string() + ": larger than 16 MiB, so it is hardly what was meant");
    return text;
}

}  // namespace

std::vector<std::filesystem::path> system_exports_files() {
    std::error_code ignored;
    if (!std::filesystem::exists(system_file, ignored)) return {};
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{system_directory, ignored}) {
        const auto name = entry.path().filename().string();
        if (name.ends_with(".exports") && !name.starts_with('.')) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    files.insert(files.begin(), system_file);
    return files;
}

vfs::ExportsList list_exports(const std::vector<std::filesystem::path>& files) {
    vfs::ExportsList list;
    for (const auto& file : files) vfs::parse_exports(contents(file), file.string(), list);
    return list;
}

std::vector<vfs::ListedExport> read_exports(const std::vector<std::filesystem::path>& files) {
    auto list = list_exports(files);
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
