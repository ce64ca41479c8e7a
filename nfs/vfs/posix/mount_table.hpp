// What is mounted where this process can see it, as /proc/self/mountinfo tells (proc(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::vfs::posix {

struct Mount {
    std::uint64_t id = 0;
    std::uint64_t parent = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::string root;   ///< of what is mounted, within its file system; "/" is all of it
    std::string point;  ///< absolute
    std::string type;
    std::string source;
    std::string options;  ///< the file system's own, separated by commas
};

/// The lines that can be read as such, in their order.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view text);
/// Empty when there is no /proc.
[[nodiscard]] std::vector<Mount> read_mounts();
/// Whether all of a file system is mounted there, from its own root on. False also when that can't
/// be known.
[[nodiscard]] bool shows_whole_file_system(std::uint64_t mount);

}  // namespace berth::vfs::posix
