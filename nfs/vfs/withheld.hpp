// Objects that no client may reach, whatever is exported and by whatever way: the server's own
// state. Never changes, so any number of threads may use one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "nfs/vfs/posix/descriptor.hpp"

struct statx;

namespace berth::vfs {

class Withheld {
public:
    /// What is at these paths now, by its device and inode: so it is known under any other name,
    /// too. It stays open, so that nothing else gets its numbers. A directory counts with all that
    /// is below it. Left out is what can't be opened.
    explicit Withheld(std::span<const std::filesystem::path> paths);

    /// Whether that is the status of one of them.
    [[nodiscard]] bool has(const struct statx& found) const noexcept;
    /// Whether what is open there is one of them, or lies below one of them on its file system. Of
    /// what is no directory the kernel's path tells where it lies.
    [[nodiscard]] bool reaches(int object) const;
    /// Whether one of them lies below the open directory.
    [[nodiscard]] bool is_below(int directory) const;

private:
    struct Object {
        posix::Descriptor held;
        std::uint32_t device_major = 0;
        std::uint32_t device_minor = 0;
        std::uint64_t inode = 0;
    };
    std::vector<Object> objects_;
};

}  // namespace berth::vfs
