#include "nfs/vfs/posix/system/figures.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

using Nanoseconds = std::int64_t;
constexpr Nanoseconds second = 1'000'000'000;

// The shortest limit that POSIX allows, and the longest name that Linux supports.
constexpr unsigned long name_bytes_least = 14;
constexpr unsigned long name_bytes_most = 255;

// If the file system reports nothing, report these figures, as sshfs does: a client takes a missing
// figure for a full disk.
constexpr std::uint64_t bytes_unknown = std::uint64_t{1000} << 30;
constexpr std::uint64_t files_unknown = 1'000'000'000;

constexpr std::uint64_t figure_max = std::numeric_limits<std::int64_t>::max();

// The largest offset at which a file can end here, found by seeking there.
std::uint64_t largest_file(int file) {
    constexpr std::uint64_t offset_max = INT64_MAX;
    std::uint64_t fits = 0;
    std::uint64_t beyond = offset_max;
    if (::lseek(file, static_cast<off_t>(beyond), SEEK_SET) >= 0) return beyond;
    while (beyond - fits > 1) {
        const std::uint64_t middle = fits + (beyond - fits) / 2;
        const bool possible = ::lseek(file, static_cast<off_t>(middle), SEEK_SET) >= 0;
        (possible ? fits : beyond) = middle;
    }
    return fits;
}

// The steps in which file systems store times: FAT has two seconds.
constexpr std::array<Nanoseconds, 7> time_steps{1,          100,    1'000,     1'000'000,
                                                10'000'000, second, 2 * second};

Time to_granularity(Nanoseconds step) {
    return {step / second, static_cast<std::uint32_t>(step % second)};
}

// Found by setting a time that every step changes.
Time granularity_of(int file) {
    constexpr timespec asked{.tv_sec = 1'000'000'001, .tv_nsec = 123'456'789};
    constexpr Nanoseconds whole = asked.tv_sec * second + asked.tv_nsec;
    const auto set = change_times(file, {asked, asked});
    const auto kept = set ? status(file) : set.error();
    if (!kept) return to_granularity(second);
    const auto& time = kept->stx_mtime;
    const auto found = std::ranges::find_if(time_steps, [&](Nanoseconds step) {
        return time.tv_sec * second + time.tv_nsec == whole / step * step;
    });
    return to_granularity(found == time_steps.end() ? time_steps.back() : *found);
}

// Where nothing may be changed: the granularity of the root's times; by chance that is too coarse.
Time granularity_shown(int root) {
    const auto now = status(root);
    if (!now) return to_granularity(second);
    const auto is_kept = [&](Nanoseconds step) {
        return std::ranges::all_of(std::array{now->stx_atime, now->stx_mtime, now->stx_ctime},
                                   [&](const auto& time) {
                                       return time.tv_nsec % std::min(step, second) == 0 &&
                                              (step < second || time.tv_sec % (step / second) == 0);
                                   });
    };
    const auto found = std::find_if(time_steps.rbegin(), time_steps.rend(), is_kept);
    return to_granularity(found == time_steps.rend() ? 1 : *found);
}

std::uint64_t product(std::uint64_t count, std::uint64_t block) {
    return count > figure_max / block ? figure_max : count * block;
}

// The total, how much is free, and how much of that is available.
struct Amounts {
    std::uint64_t total;
    std::uint64_t free;
    std::uint64_t available;
};

Amounts sensible(Amounts told, std::uint64_t unknown) {
    if (told.total == 0) return {unknown, unknown, unknown};
    const auto free = std::min(told.free, told.total);
    // Overdrawn: less than nothing is available.
    const bool is_negative = told.available > figure_max;
    return {told.total, free, is_negative ? 0 : std::min(told.available, free)};
}

std::uint32_t sensible_name_max(unsigned long told) {
    return static_cast<std::uint32_t>(told < name_bytes_least ? name_bytes_most
                                                              : std::min(told, name_bytes_most));
}

}  // namespace

Limits find_limits(int root) {
    Limits limits;
    if (const auto bytes = name_bytes_max(root)) limits.name_bytes_max = *bytes;
    if (const long links = ::fpathconf(root, _PC_LINK_MAX); links > 0) {
        limits.links_max = static_cast<std::uint32_t>(std::min<long>(links, UINT32_MAX));
    }
    const auto file = open_at(root, ".", O_TMPFILE | O_RDWR, 0600);
    if (file) limits.file_bytes_max = largest_file(file->number());
    limits.time_granularity = file ? granularity_of(file->number()) : granularity_shown(root);
    return limits;
}

Result<std::uint32_t> name_bytes_max(int object) {
    struct statvfs figures {};
    if (::fstatvfs(object, &figures) != 0) return last_error();
    return sensible_name_max(figures.f_namemax);
}

Result<Space> space_around(int object, bool as_root) {
    struct statvfs figures {};
    if (::fstatvfs(object, &figures) != 0) return last_error();
    return to_space(figures, as_root);
}

Space to_space(const struct statvfs& figures, bool as_root) {
    constexpr std::uint64_t block_least = 512;
    const std::uint64_t block = figures.f_frsize != 0  ? figures.f_frsize
                                : figures.f_bsize != 0 ? figures.f_bsize
                                                       : block_least;
    const auto blocks =
        sensible({figures.f_blocks, figures.f_bfree, as_root ? figures.f_bfree : figures.f_bavail},
                 std::max<std::uint64_t>(1, bytes_unknown / block));
    const auto files =
        sensible({figures.f_files, figures.f_ffree, as_root ? figures.f_ffree : figures.f_favail},
                 files_unknown);
    return Space{
        .total_bytes = product(blocks.total, block),
        .free_bytes = product(blocks.free, block),
        .available_bytes = product(blocks.available, block),
        .total_files = std::min(files.total, figure_max),
        .free_files = std::min(files.free, figure_max),
        .available_files = files.available,
    };
}

}  // namespace berth::vfs::posix
