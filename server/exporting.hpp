// Opens what is to be exported: the directories of the command line, those of exports files, and
// trees in RAM. Belongs to the main thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "nfs/vfs/export_table.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

class Exporting {
public:
    /// `state` outlives this.
    explicit Exporting(const StateDirectory& state) : state_(state) {}

    /// Exports, and what they have open. Of two openings that have the same directory open, both
    /// have the same file system.
    struct Opening {
        struct Directory {
            std::shared_ptr<vfs::FileSystem> files;
            dev_t device = 0;
            ino_t inode = 0;
        };
        std::vector<vfs::Export> exports;
        std::map<std::string, Directory> directories;  ///< by path
        std::map<std::string, std::shared_ptr<vfs::FileSystem>> memory;
    };

    /// All that the options ask for. What is kept and still the same is taken from there. Throws
    /// UsageError naming what can't be exported and why.
    [[nodiscard]] Opening open(const ServeOptions& options) const;
    /// These are in force now; what they don't use is let go of.
    void keep(const Opening& opening);

private:
    const StateDirectory& state_;
    Opening kept_;
};

}  // namespace berth::server
