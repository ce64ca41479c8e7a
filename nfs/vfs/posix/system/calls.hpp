// System calls that the C library lacks or hides, and conversions between the kernel's types and
// ours. No state.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// An entry's name in the form that the kernel takes. Whatever its bytes, it names an entry of the
/// directory that it is used in and nothing else.
class EntryName {
public:
    /// permission_denied: empty, or contains '/' or NUL; filename_too_long.
    static Result<EntryName> from(std::string_view name);

    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }
    [[nodiscard]] bool is_dot() const noexcept { return std::string_view(text()) == "."; }
    [[nodiscard]] bool is_dot_dot() const noexcept { return std::string_view(text()) == ".."; }

private:
    EntryName() = default;
    std::array<char, 256> bytes_;
};

/// The path under which the kernel opens again what descriptor `number` holds. The *at() calls take
/// it in two parts, directory() and name(), which costs a third less than resolving all of it.
class ReopenPath {
public:
    explicit ReopenPath(int number) noexcept;
    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }
    [[nodiscard]] int directory() const noexcept { return directory_; }
    [[nodiscard]] const char* name() const noexcept;

private:
    int directory_;
    std::array<char, 32> bytes_;
};

Result<Descriptor> open_beneath(int directory, const char* name, std::uint64_t flags,
                                std::uint64_t resolve);

/// Opens what a descriptor (O_PATH too) holds again, with other flags.
Result<Descriptor> reopen(int number, int flags);

/// Gives what descriptor `number` (O_PATH too) holds another name.
Result<void> link_opened(int number, int directory, const char* name);

/// Reads the path that the kernel has for a descriptor, as readlink(2) does: not terminated.
[[nodiscard]] ssize_t read_own_link(int number, std::span<char> into) noexcept;

/// Whether the kernel says that the open object no longer has a name.
[[nodiscard]] bool is_told_deleted(int number);

/// With `name` empty: the status of the descriptor itself. Never follows a symbolic link.
Result<struct statx> status(int at, const char* name = "");
/// The same, of the descriptor itself, into `found`: almost every call asks, and the structure is
/// large.
Result<void> read_status(int number, struct statx& found);
/// Newer than the C library's headers: the bit of stx_mask for stx_subvol, which subvolume_of()
/// reads.
constexpr unsigned wants_subvolume = 0x8000;
[[nodiscard]] std::uint64_t subvolume_of(const struct statx& status);
/// Whether a failed look at an object that is held open means that it is gone. File systems report
/// that in different ways.
[[nodiscard]] inline bool says_gone(std::errc error) noexcept {
    return error == std::errc::no_such_file_or_directory || error == stale;
}
Attributes to_attributes(const struct statx& status);
FileType to_file_type(std::uint32_t mode);

/// Access under the thread's file-system identity. function_not_supported if the kernel (or a
/// sandbox) lacks it.
Result<void> check_access(int number, int permissions);
Result<void> change_mode(int number, mode_t mode);
/// UTIME_NOW and UTIME_OMIT as in utimensat(2); acts on a symbolic link itself.
Result<void> change_times(int number, const std::array<timespec, 2>& times);

}  // namespace berth::vfs::posix
