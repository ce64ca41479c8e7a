// The mounts that this process can see, from /proc/self/mountinfo (proc(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::vfs {

struct Mount {
    std::uint64_t id = 0;
    std::uint64_t parent = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::string root;   ///< the mounted directory within its file system; "/" is all of it
    std::string point;  ///< absolute
    std::string type;
    std::string source;
    std::string options;  ///< the file system's own, separated by commas
};

/// The well-formed lines, in order.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view text);
/// Empty if there is no /proc.
[[nodiscard]] std::vector<Mount> read_mounts();
/// Whether the mount shows a whole file system, starting at its own root. False also if that can't
/// be known.
[[nodiscard]] bool shows_whole_file_system(std::uint64_t mount);

/// Reports that something was mounted or unmounted.
class MountChanges {
public:
    MountChanges();
    MountChanges(const MountChanges&) = delete;
    MountChanges& operator=(const MountChanges&) = delete;
    ~MountChanges();

    /// For poll(2): POLLPRI if anything changed since the last poll. -1 without /proc.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace berth::vfs
