// Opens what is to be exported: the directories of the command line, those of exports files, and
// trees in RAM. Belongs to the main thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "nfs/vfs/export_table.hpp"
#include "nfs/vfs/nested.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

/// What every exported directory is opened with.
struct SharedByTrees {
    std::shared_ptr<const vfs::Withheld> withheld;
    /// So that one directory reached through two exports is one.
    std::shared_ptr<vfs::posix::Volumes> volumes = vfs::posix::make_volumes();
    std::shared_ptr<vfs::posix::NameJournal> journal;  ///< null: there is nowhere to keep one
};

class Exporting {
public:
    /// What must survive a restart is kept in `state`, whose key has been made.
    explicit Exporting(const StateDirectory& state);

    /// Exports, and what they have open. Of two openings that have the same directory open, both
    /// have the same file system.
    struct Opening {
        struct Directory {
            std::shared_ptr<vfs::FileSystem> files;
            dev_t device = 0;
            ino_t inode = 0;
            std::string real_path;  ///< links followed, when it was opened
        };
        std::vector<vfs::Export> exports;  ///< first those listed, then what is mounted below them
        std::map<std::string, Directory> directories;  ///< by path
        /// By path too: where something must be mounted for it to be exported (`mp`).
        std::map<std::string, std::string> mount_points;
        std::map<std::string, std::shared_ptr<vfs::FileSystem>> memory;
        vfs::OpenMounts mounts;
        std::vector<std::string> hidden;  ///< what the log has been told about mounts
    };

    /// All that the options ask for. What is kept and still the same is taken from there. Throws
    /// UsageError naming what can't be exported and why.
    [[nodiscard]] Opening open(const ServeOptions& options) const;
    /// What is in force, with what is mounted below it at this moment, and with the directories
    /// that are at these paths now, of those exported. Empty when that is the same.
    [[nodiscard]] std::optional<Opening> look_again(const std::set<std::string>& paths) const;
    /// These are in force now; what they don't use is let go of. Gives the paths that stay exported
    /// and lead to another directory than before.
    std::vector<std::string> keep(const Opening& opening);

    /// What tells directories apart while they are open.
    struct Place {
        dev_t device = 0;
        ino_t inode = 0;
        bool operator==(const Place&) const = default;
    };
    /// Of the directories that are in force, by the path of the export.
    [[nodiscard]] std::map<std::string, Place> places() const;

private:
    void find_mounted(Opening& opening) const;
    void follow(Opening& opening, vfs::Export& exported) const;

    SharedByTrees shared_;
    Opening kept_;
    mutable std::map<std::string, std::string> told_;  // why a path is not followed
};

}  // namespace berth::server
