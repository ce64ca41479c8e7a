// Finds the mounts below exports, and decides which of them are exported too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nfs/exports/table.hpp"

namespace berth::exports {

/// File systems held open, by the kernel's mount number, which stays unique meanwhile.
using OpenMounts = std::map<std::uint64_t, std::shared_ptr<vfs::FileSystem>>;

struct Nested {
    /// The listed exports, now with their crossings; then those that `crossmnt` adds.
    std::vector<Export> exports;
    OpenMounts opened;
    /// For the administrator, one line each: mounts that `crossmnt` does not add.
    std::vector<std::string> hidden;
};

/// Looks at what is mounted at this moment; exports without `files` stay as they are. File systems
/// open in `kept` are used again. Adds only directories of file systems that keep files themselves
/// (on a device or in memory) and whose handles the kernel opens; the outer export must meet the
/// same conditions. Mounts below one that is not added are not added either. For a thread that acts
/// as the server and may block.
[[nodiscard]] Nested find_nested(std::vector<Export> listed, const OpenMounts& kept);

}  // namespace berth::exports
