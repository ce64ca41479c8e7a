// The system calls that the C library lacks or hides, and translations between the kernel's words
// and ours. No state.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

[[nodiscard]] inline std::errc last_error() noexcept {
    return static_cast<std::errc>(errno);
}

/// 0 is success; anything else is errno's business.
[[nodiscard]] inline Result<void> checked(long outcome) {
    if (outcome != 0) return last_error();
    return {};
}

/// An entry's name as the kernel takes it. Whatever its bytes, it names an entry of the directory
/// it is used in and nothing else.
class EntryName {
public:
    /// permission_denied: empty, or holds '/' or NUL; filename_too_long.
    static Result<EntryName> from(std::string_view name);

    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }
    [[nodiscard]] bool is_dot() const noexcept { return std::string_view(text()) == "."; }
    [[nodiscard]] bool is_dot_dot() const noexcept { return std::string_view(text()) == ".."; }

private:
    EntryName() = default;
    std::array<char, 256> bytes_;
};

/// The path by which the kernel opens again what descriptor `number` holds.
class ReopenPath {
public:
    explicit ReopenPath(int number) noexcept;
    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }

private:
    std::array<char, 32> bytes_;
};

Result<Descriptor> open_at(int directory, const char* name, int flags, mode_t mode = 0);
Result<Descriptor> open_beneath(int directory, const char* name, std::uint64_t flags,
                                std::uint64_t resolve);

/// Opens again, with other flags, what a descriptor (O_PATH too) holds.
Result<Descriptor> reopen(int number, int flags);

/// Whether the kernel says of what is open that it has no name any more.
[[nodiscard]] bool is_told_deleted(int number);

/// `name` empty: of the descriptor itself. Never follows a symbolic link.
Result<struct statx> status(int at, const char* name = "");
/// Newer than the C library's headers: stx_mask's bit for stx_subvol, which subvolume_of() reads.
constexpr unsigned wants_subvolume = 0x8000;
[[nodiscard]] std::uint64_t subvolume_of(const struct statx& status);
/// Whether a failure to look at an object that is held open says that it is no more. File systems
/// differ in how they say so.
[[nodiscard]] inline bool says_gone(std::errc error) noexcept {
    return error == std::errc::no_such_file_or_directory || error == stale;
}
Attributes to_attributes(const struct statx& status);
FileType to_file_type(std::uint32_t mode);

/// Access by the thread's file-system identity. function_not_supported where the kernel (or a
/// sandbox) lacks it.
Result<void> check_access(int number, int permissions);
Result<void> change_mode(int number, mode_t mode);
/// UTIME_NOW and UTIME_OMIT as in utimensat(2); acts on a symbolic link itself.
Result<void> change_times(int number, const std::array<timespec, 2>& times);

}  // namespace berth::vfs::posix
