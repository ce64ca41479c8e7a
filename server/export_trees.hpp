// Opens what will be exported: directories from the command line and from exports files, and trees
// in RAM. One thread at a time uses it; any thread may call busy_with().
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/exports/nested.hpp"
#include "nfs/exports/table.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

/// Objects that every exported directory is opened with.
struct SharedByTrees {
    std::shared_ptr<const vfs::Withheld> withheld;
    /// Makes one directory that is reached through two exports a single one.
    std::shared_ptr<vfs::posix::Volumes> volumes = vfs::posix::make_volumes();
    std::shared_ptr<vfs::posix::OpenFiles> open_files;
    std::shared_ptr<vfs::posix::NameJournal> journal;  ///< null: there is nowhere to keep one
    bool keeps_key = false;                            ///< of handles
};

class ExportTrees {
public:
    /// Keeps what must survive a restart in `state`. All directories together have at most
    /// `descriptors_max` open.
    ExportTrees(const StateDirectory& state, std::size_t descriptors_max);

    /// Exports and the file systems that they have open. Two openings that share a directory share
    /// its file system.
    struct Opening {
        struct Directory {
            std::shared_ptr<vfs::FileSystem> files;
            dev_t device = 0;
            ino_t inode = 0;
            std::string real_path;         ///< when it was opened, with links resolved
            bool acts_as_callers = false;  ///< otherwise all act as the server's user
        };
        std::vector<exports::Export> exports;  ///< the listed ones first, then mounts below them
        std::map<std::string, Directory> directories;  ///< by path
        /// By path too: where something must be mounted before the path is exported (`mp`).
        std::map<std::string, std::string> mount_points;
        std::map<std::string, std::shared_ptr<vfs::FileSystem>> memory;
        exports::OpenMounts mounts;
        std::vector<std::string> hidden;  ///< messages about mounts that the log has already
    };

    /// Opens everything that the options ask for; reuses what is kept and unchanged. Throws
    /// UsageError that names what can't be exported, and why.
    [[nodiscard]] Opening open(const ServeOptions& options) const;
    /// The exports in force, with what is mounted below them now; for `paths`, with the directories
    /// that are there now. Empty if nothing has changed.
    [[nodiscard]] std::optional<Opening> look_again(const std::set<std::string>& paths) const;
    /// Records that this opening is in force, and releases what it does not use. Returns the paths
    /// that stay exported and now lead to another directory.
    std::vector<std::string> keep(const Opening& opening);

    /// Distinguishes directories while they are open.
    struct Place {
        dev_t device = 0;
        ino_t inode = 0;
        bool operator==(const Place&) const = default;
    };
    /// The places of the directories in force, by the path of the export.
    [[nodiscard]] std::map<std::string, Place> places() const;
    /// Null: there is nowhere to keep one.
    [[nodiscard]] const std::shared_ptr<vfs::posix::NameJournal>& journal() const noexcept {
        return shared_.journal;
    }
    /// Describes what open() or look_again() is doing; any thread.
    [[nodiscard]] std::string busy_with() const;

private:
    void find_mounted(Opening& opening) const;
    void keep_mounted(Opening& opening) const;
    void follow(Opening& opening, exports::Export& exported) const;
    void begin(std::string work) const;

    mutable boost::synchronized_value<std::string, std::mutex> busy_with_;
    SharedByTrees shared_;
    Opening kept_;
    mutable std::map<std::string, std::string> told_;  // why a path is not followed
};

}  // namespace berth::server
