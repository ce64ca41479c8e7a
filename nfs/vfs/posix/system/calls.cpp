#include "nfs/vfs/posix/system/calls.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <climits>
#include <cstring>

#include <linux/openat2.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/thread_identity.hpp"

namespace berth::vfs::posix {
namespace {

// Newer than the C library's headers; the numbers are the same on every architecture.
constexpr long faccessat2_number = 439;
constexpr long fchmodat2_number = 452;

constexpr int status_flags =
    AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT;
constexpr unsigned status_wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | wants_subvolume;

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
    // A sandbox reports "not permitted" for calls that it does not know.
    return error == std::errc::function_not_supported ||
           error == std::errc::operation_not_permitted;
}

constexpr std::string_view descriptors_folder = "/proc/self/fd/";

// The directory of this process's descriptors; AT_FDCWD where there is none.
int own_descriptors() noexcept {
    static std::atomic<bool> is_child{false};  // in a child the directory is that of its parent
    static const int noted = ::pthread_atfork(nullptr, nullptr, [] { is_child = true; });
    static const Descriptor opened{
        ::open(descriptors_folder.data(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    return opened && noted == 0 && !is_child ? opened.number() : AT_FDCWD;
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

ReopenPath::ReopenPath(int number) noexcept : directory_(own_descriptors()) {
    char* const digits = std::ranges::copy(descriptors_folder, bytes_.begin()).out;
    *std::to_chars(digits, bytes_.end() - 1, number).ptr = '\0';
}

const char* ReopenPath::name() const noexcept {
    return directory_ == AT_FDCWD ? text() : text() + descriptors_folder.size();
}

Result<Descriptor> open_beneath(int directory, const char* name, std::uint64_t flags,
                                std::uint64_t resolve) {
    drop_kept_identity();
    open_how how{.flags = flags | O_CLOEXEC, .mode = 0, .resolve = resolve};
    Descriptor opened{static_cast<int>(again_when_interrupted(
        [&] { return ::syscall(SYS_openat2, directory, name, &how, sizeof how); }))};
    if (!opened) return last_error();
    return opened;
}

Result<Descriptor> reopen(int number, int flags) {
    const ReopenPath path{number};
    return open_at(path.directory(), path.name(), flags);
}

Result<void> link_opened(int number, int directory, const char* name) {
    // The shortest way takes CAP_DAC_READ_SEARCH, which only root's calls have, and not everywhere.
    static std::atomic<bool> is_bare_allowed{true};
    const bool is_bare = acts_as_root() && is_bare_allowed.load(std::memory_order_relaxed);
    if (is_bare) {
        if (::linkat(number, "", directory, name, AT_EMPTY_PATH) == 0) return {};
        // Without the capability too; then the path leads to the object.
        if (errno != ENOENT) return last_error();
    }
    const ReopenPath path{number};
    if (::linkat(path.directory(), path.name(), directory, name, AT_SYMLINK_FOLLOW) != 0)
        return last_error();
    if (is_bare) is_bare_allowed.store(false, std::memory_order_relaxed);
    return {};
}

ssize_t read_own_link(int number, std::span<char> into) noexcept {
    const ReopenPath path{number};
    return ::readlinkat(path.directory(), path.name(), into.data(), into.size());
}

bool is_told_deleted(int number) {
    std::array<char, PATH_MAX> text;
    const auto size = read_own_link(number, text);
    if (size <= 0) return false;
    return std::string_view{text.data(), static_cast<std::size_t>(size)}.ends_with(" (deleted)");
}

Result<struct statx> status(int at, const char* name) {
    struct statx found;
    if (::statx(at, name, status_flags, status_wanted, &found) != 0) return last_error();
    return found;
}

Result<void> read_status(int number, struct statx& found) {
    return checked(::statx(number, "", status_flags, status_wanted, &found));
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
    const auto type = to_file_type(status.stx_mode);
    const bool is_device = type == FileType::block_device || type == FileType::character_device;
    // All members are named: a structure that is cleared first takes longer than the rest.
    return {
        .type = type,
        .mode = status.stx_mode & 07777U,
        .links = status.stx_nlink,
        .uid = status.stx_uid,
        .gid = status.stx_gid,
        .size = status.stx_size,
        .used = status.stx_blocks * block_bytes,
        .device = {is_device ? status.stx_rdev_major : 0, is_device ? status.stx_rdev_minor : 0},
        .fileid = status.stx_ino,
        .part = 0,
        .accessed = to_time(status.stx_atime),
        .modified = to_time(status.stx_mtime),
        .changed = to_time(status.stx_ctime),
        .immutable = (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0,
        .append_only = (status.stx_attributes & STATX_ATTR_APPEND) != 0,
    };
}

Result<void> check_access(int number, int permissions) {
    return checked(
        ::syscall(faccessat2_number, number, "", permissions, AT_EMPTY_PATH | AT_EACCESS));
}

Result<void> change_mode(int number, mode_t mode) {
    auto changed = checked(::syscall(fchmodat2_number, number, "", mode, AT_EMPTY_PATH));
    if (changed || !is_missing(changed.error())) return changed;
    const ReopenPath path{number};
    return checked(::fchmodat(path.directory(), path.name(), mode, 0));
}

Result<void> change_times(int number, const std::array<timespec, 2>& times) {
    auto changed = checked(::utimensat(number, "", times.data(), AT_EMPTY_PATH));
    if (changed || changed.error() != std::errc::invalid_argument) return changed;
    // Before Linux 5.8. The path leads to the object itself, so a symbolic link is not followed
    // further.
    const ReopenPath path{number};
    return checked(::utimensat(path.directory(), path.name(), times.data(), 0));
}

}  // namespace berth::vfs::posix
