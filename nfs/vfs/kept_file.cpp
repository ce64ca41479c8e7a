#include "nfs/vfs/kept_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth::vfs {

std::error_code replace_file(const std::filesystem::path& file, const std::string& text) {
    auto fresh = file;
    fresh += ".new";
    const int number =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (number < 0) return {errno, std::generic_category()};
    const auto written = ::write(number, text.data(), text.size());
    const bool is_kept = written == static_cast<ssize_t>(text.size()) && ::fsync(number) == 0;
    const int reason = written < 0 || is_kept ? errno : ENOSPC;
    ::close(number);
    if (!is_kept) return {reason, std::generic_category()};
    if (::rename(fresh.c_str(), file.c_str()) != 0) return {errno, std::generic_category()};
    const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return {errno, std::generic_category()};
    const bool is_synced = ::fsync(folder) == 0;
    const int failed = errno;
    ::close(folder);
    return is_synced ? std::error_code{} : std::error_code{failed, std::generic_category()};
}

}  // namespace berth::vfs
