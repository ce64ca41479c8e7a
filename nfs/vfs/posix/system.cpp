#include "nfs/vfs/posix/system.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstring>

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace berth::vfs::posix {
namespace {

// Newer than the C library's headers; the numbers are the same on every architecture.
constexpr long faccessat2_number = 439;
constexpr long fchmodat2_number = 452;

template <class Call>
auto again_when_interrupted(Call call) {
    auto outcome = call();
    while (outcome < 0 && errno == EINTR) outcome = call();
    return outcome;
}

Time to_time(const struct statx_timestamp& time) {
    return {time.tv_sec, time.tv_nsec};
}

bool is_missing(std::errc error) {
    // A sandbox says "not permitted" for calls it has not heard of.
    return error == std::errc::function_not_supported ||
           error == std::errc::operation_not_permitted;
}

}  // namespace

Result<EntryName> EntryName::from(std::string_view name) {
    if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos) {
        return std::errc::permission_denied;
    }
    EntryName copy;
    if (name.size() >= copy.bytes_.size()) return std::errc::filename_too_long;
    *std::ranges::copy(name, copy.bytes_.begin()).out = '\0';
    return copy;
}

ReopenPath::ReopenPath(int number) noexcept {
    constexpr std::string_view folder = "/proc/self/fd/";
    char* const digits = std::ranges::copy(folder, bytes_.begin()).out;
    *std::to_chars(digits, bytes_.end() - 1, number).ptr = '\0';
}

Result<Descriptor> open_at(int directory, const char* name, int flags, mode_t mode) {
    Descriptor opened{
        again_when_interrupted([&] { return ::openat(directory, name, flags | O_CLOEXEC, mode); })};
    if (!opened) return last_error();
    return opened;
}

Result<Descriptor> open_beneath(int directory, const char* name, std::uint64_t flags,
                                std::uint64_t resolve) {
    open_how how{.flags = flags | O_CLOEXEC, .mode = 0, .resolve = resolve};
    Descriptor opened{static_cast<int>(again_when_interrupted(
        [&] { return ::syscall(SYS_openat2, directory, name, &how, sizeof how); }))};
    if (!opened) return last_error();
    return opened;
}

Result<Descriptor> reopen(int number, int flags) {
    return open_at(AT_FDCWD, ReopenPath{number}.text(), flags);
}

bool is_told_deleted(int number) {
    std::array<char, PATH_MAX> text;
    const auto size = ::readlink(ReopenPath{number}.text(), text.data(), text.size());
    if (size <= 0) return false;
    return std::string_view{text.data(), static_cast<std::size_t>(size)}.ends_with(" (deleted)");
}

Result<struct statx> status(int at, const char* name) {
    struct statx found;
    constexpr int flags =
        AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT;
    constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | wants_subvolume;
    if (::statx(at, name, flags, wanted, &found) != 0) return last_error();
    return found;
}

std::uint64_t subvolume_of(const struct statx& status) {
    constexpr std::size_t at = 0xA0;
    static_assert(at + sizeof(std::uint64_t) <= sizeof(struct statx));
    std::uint64_t subvolume = 0;
    std::memcpy(&subvolume, reinterpret_cast<const std::byte*>(&status) + at, sizeof subvolume);
    return subvolume;
}

FileType to_file_type(std::uint32_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return FileType::directory;
    case S_IFBLK: return FileType::block_device;
    case S_IFCHR: return FileType::character_device;
    case S_IFLNK: return FileType::symbolic_link;
    case S_IFSOCK: return FileType::socket;
    case S_IFIFO: return FileType::fifo;
    default: return FileType::regular;
    }
}

Attributes to_attributes(const struct statx& status) {
    constexpr std::uint64_t block_bytes =
        512;  // statx(2) counts in these whatever the file system does
    Attributes attributes{
        .type = to_file_type(status.stx_mode),
        .mode = status.stx_mode & 07777U,
        .links = status.stx_nlink,
        .uid = status.stx_uid,
        .gid = status.stx_gid,
        .size = status.stx_size,
        .used = status.stx_blocks * block_bytes,
        .fileid = status.stx_ino,
        .accessed = to_time(status.stx_atime),
        .modified = to_time(status.stx_mtime),
        .changed = to_time(status.stx_ctime),
        .immutable = (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0,
        .append_only = (status.stx_attributes & STATX_ATTR_APPEND) != 0,
    };
    if (attributes.type == FileType::block_device ||
        attributes.type == FileType::character_device) {
        attributes.device = {status.stx_rdev_major, status.stx_rdev_minor};
    }
    return attributes;
}

Result<void> check_access(int number, int permissions) {
    return checked(
        ::syscall(faccessat2_number, number, "", permissions, AT_EMPTY_PATH | AT_EACCESS));
}

Result<void> change_mode(int number, mode_t mode) {
    auto changed = checked(::syscall(fchmodat2_number, number, "", mode, AT_EMPTY_PATH));
    if (changed || !is_missing(changed.error())) return changed;
    return checked(::chmod(ReopenPath{number}.text(), mode));
}

Result<void> change_times(int number, const std::array<timespec, 2>& times) {
    auto changed = checked(::utimensat(number, "", times.data(), AT_EMPTY_PATH));
    if (changed || changed.error() != std::errc::invalid_argument) return changed;
    // Before Linux 5.8. The path names the object itself, so a symbolic link is not followed
    // further.
    return checked(::utimensat(AT_FDCWD, ReopenPath{number}.text(), times.data(), 0));
}

}  // namespace berth::vfs::posix
