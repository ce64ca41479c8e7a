// Opens what is to be exported: the directories of the command line, those of exports files, and
// trees in RAM. Belongs to the main thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "nfs/vfs/export_table.hpp"
#include "nfs/vfs/nested.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

class Exporting {
public:
    /// What must survive a restart is kept in `state`.
    explicit Exporting(const StateDirectory& state);

    /// Exports, and what they have open. Of two openings that have the same directory open, both
    /// have the same file system.
    struct Opening {
        struct Directory {
            std::shared_ptr<vfs::FileSystem> files;
            dev_t device = 0;
            ino_t inode = 0;
        };
        std::vector<vfs::Export> exports;  ///< first those listed, then what is mounted below them
        std::map<std::string, Directory> directories;  ///< by path
        std::map<std::string, std::shared_ptr<vfs::FileSystem>> memory;
        vfs::OpenMounts mounts;
        std::vector<std::string> hidden;  ///< what the log has been told about mounts
    };

    /// All that the options ask for. What is kept and still the same is taken from there. Throws
    /// UsageError naming what can't be exported and why.
    [[nodiscard]] Opening open(const ServeOptions& options) const;
    /// What is in force, with what is mounted below it at this moment. Empty when that is the same.
    [[nodiscard]] std::optional<Opening> look_again() const;
    /// These are in force now; what they don't use is let go of.
    void keep(const Opening& opening);

private:
    void find_mounted(Opening& opening) const;

    std::shared_ptr<vfs::posix::NameJournal> journal_;  ///< null: there is nowhere to keep one
    Opening kept_;
};

}  // namespace berth::server
