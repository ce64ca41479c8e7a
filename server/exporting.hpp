// Opens what is to be exported.
#pragma once

#include <memory>
#include <vector>

#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

struct Exporting {
    vfs::Exports exports;
    /// Those of `exports` that are real directories.
    std::vector<std::shared_ptr<vfs::posix::FileSystem>> directories;
};

/// Throws UsageError naming what can't be exported and why.
Exporting open_exports(const ServeOptions& options, const StateDirectory& state);

}  // namespace berth::server
