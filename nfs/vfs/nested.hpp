// What is mounted below exports, and which of that is exported with them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nfs/vfs/export_table.hpp"

namespace berth::vfs {

/// File systems held open, by the kernel's number of the mount, which is nobody else's meanwhile.
using OpenMounts = std::map<std::uint64_t, std::shared_ptr<FileSystem>>;

struct Nested {
    /// Those listed, now with what is mounted in them; then those that `crossmnt` adds.
    std::vector<Export> exports;
    OpenMounts opened;
    /// One line each, for the administrator, about what `crossmnt` does not add.
    std::vector<std::string> hidden;
};

/// Looks at what is mounted at this moment. What is open in `kept` is used again. Only directories
/// of file systems that keep files themselves (on a device or in memory), and of which the kernel
/// opens handles, are added; the same holds for the export that they are mounted below. Of what is
/// nested in one that is not added nothing is. For a thread that acts as the server and may block.
[[nodiscard]] Nested find_nested(std::vector<Export> listed, const OpenMounts& kept);

/// Tells when something was mounted or unmounted.
class MountWatch {
public:
    MountWatch();
    MountWatch(const MountWatch&) = delete;
    MountWatch& operator=(const MountWatch&) = delete;
    ~MountWatch();

    /// For poll(2): POLLPRI when there was a change since it was last polled. -1 without /proc.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace berth::vfs
