// Real file systems of every kind that is likely to be exported, made for one test. To be used in a
// child process with mounts of its own: everything mounted here ends with it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <sys/statvfs.h>
#include <sys/types.h>

namespace berth::vfs::posix {

/// A file system in an image file, of at least this many MiB: "ext4", "xfs", "btrfs".
class ImageMedium {
public:
    /// `space`: an empty directory for image and mount point. `options`: of mkfs, besides.
    ImageMedium(std::string space, std::string kind, unsigned mebibytes,
                const std::string& options = {});

    [[nodiscard]] std::string path() const { return space_ + "/mounted"; }
    /// Writes everything out and mounts it again, as a restart of the machine does.
    void mount_again();
    /// Mounted with these flags and options of mount(8) as well from now on.
    void mount_with(const std::string& options);
    /// A quota for all that is in it. Only "btrfs".
    void limit(unsigned mebibytes);

private:
    void mount();

    std::string space_;
    std::string kind_;
};

/// Runs a command; throws std::runtime_error with what it printed if it fails.
void run_command(const std::string& command);

/// A file system served by a process of the test's own, which passes everything on to a
/// directory and fails what it is told to.
class FuseMedium {
public:
    /// The inode numbers it tells.
    enum class Numbers : std::uint8_t {
        as_below,  ///< those of the files that calls are passed on to, used again as these are
        equal,     ///< one for all files, one for all directories
        made_up    ///< by the library, anew whenever it has forgotten an object
    };
    explicit FuseMedium(const std::string& space, Numbers numbers = Numbers::as_below);
    FuseMedium(const FuseMedium&) = delete;
    FuseMedium& operator=(const FuseMedium&) = delete;
    ~FuseMedium();

    [[nodiscard]] std::string path() const { return space_ + "/mounted"; }

    /// Error numbers; 0: it works.
    struct Faults {
        int write = 0;
        int sync = 0;
        int read = 0;
        /// Reads beyond this many bytes fail.
        std::int64_t readable_bytes = std::numeric_limits<std::int64_t>::max();
        /// Of a change of owner, mode or times.
        int set = 0;
        /// It knows rename(2) without flags only; or no hard links.
        bool renames_plainly = false;
        bool has_no_links = false;
        /// Times are kept in steps of so many nanoseconds.
        std::int64_t time_step = 1;
        /// A listing tells positions, and goes on from any of them.
        bool tells_positions = false;
        /// What it says of itself instead of what the directory below does.
        bool has_figures = false;
        struct statvfs figures {};
        bool figures_are_of_share = false;  ///< only asked of the directory "share"
    };
    /// Takes effect at once.
    void fail(const Faults& faults);

private:
    std::string space_;
    Faults* faults_;  ///< shared with the process
    pid_t server_ = -1;
};

}  // namespace berth::vfs::posix
