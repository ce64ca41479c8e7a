#include "nfs/vfs/posix/system/new_attributes.hpp"

#include <limits>

#include <sys/stat.h>

namespace berth::vfs::posix {
namespace {

constexpr std::uint64_t size_max = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t nanoseconds_end = 1'000'000'000;

timespec to_timespec(const std::optional<NewTime>& wanted) {
    if (!wanted) return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
    if (!wanted->value) return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
    return {.tv_sec = static_cast<time_t>(wanted->value->seconds),
            .tv_nsec = static_cast<long>(wanted->value->nanoseconds)};
}

}  // namespace

Result<void> check_values(const NewAttributes& wanted, FileType type) {
    if (wanted.size) {
        if (type == FileType::directory) return std::errc::is_a_directory;
        if (type != FileType::regular) return std::errc::invalid_argument;
        if (*wanted.size > size_max) return std::errc::file_too_large;
    }
    if (wanted.uid == no_id || wanted.gid == no_id) return std::errc::invalid_argument;
    for (const auto& time : {wanted.accessed, wanted.modified}) {
        // Larger values could be UTIME_NOW or UTIME_OMIT.
        if (time && time->value && time->value->nanoseconds >= nanoseconds_end) {
            return std::errc::invalid_argument;
        }
    }
    return {};
}

std::array<timespec, 2> to_kernel_times(const NewAttributes& wanted) {
    return {to_timespec(wanted.accessed), to_timespec(wanted.modified)};
}

}  // namespace berth::vfs::posix
