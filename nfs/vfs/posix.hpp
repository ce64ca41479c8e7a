// A real directory, exported: the kernel's own files, handles and permissions. The server layer
// opens one for each exported directory and keeps it until it stops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <boost/system/result.hpp>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/start_thread.hpp"
#include "nfs/vfs/types.hpp"
#include "nfs/vfs/withheld.hpp"

namespace berth::vfs::posix {

class Volumes;
/// For Options::volumes.
[[nodiscard]] std::shared_ptr<Volumes> make_volumes();
class OpenFiles;
/// For Options::open_files: the limit on descriptors of all trees together.
[[nodiscard]] std::shared_ptr<OpenFiles> make_open_files(std::size_t descriptors_max);
/// Where names of objects are kept, so that handles survive a restart where the kernel has no
/// handles. One for all trees of a server. Its directory is made when a tree needs it.
class NameJournal;
[[nodiscard]] std::shared_ptr<NameJournal> journal_in(const boost::filesystem::path& directory,
                                                      StartThread start_thread);
/// For the end of the process: another one may use the journal from now on. Waits for nobody.
void release(NameJournal& journal) noexcept;

struct Options {
    /// The most objects kept open between calls. Each takes one descriptor; a busy file or
    /// directory takes up to four. 0: as many as `open_files` allows.
    std::size_t nodes_max = 0;
    /// Shared by the trees of one process. Empty: this tree has the process's descriptors for
    /// itself, at most 65536.
    std::shared_ptr<OpenFiles> open_files;
    /// Empty: names are kept in memory.
    std::shared_ptr<NameJournal> journal;
    /// The tree's key in the journal: the same after a restart, and unique among the trees. Empty:
    /// the tree's path.
    std::string name_in_journal;
    /// Whether the server keeps the key of its handles; if not, none survives a restart, whatever
    /// this tree does. For describe().
    bool keeps_key = true;
    /// The most names kept in memory, at about 200 bytes each. The least recently used are
    /// forgotten first; handles of their objects become stale.
    std::size_t names_in_memory_max = 1'000'000;
    /// Whether to use the kernel's handles where it permits that; false only to test the
    /// alternative.
    bool kernel_handles = true;
    /// Whether to look at handles at all; false only to test file systems without them.
    bool file_handles = true;
    /// Shared by the trees of one process. Empty: this tree shares nothing.
    std::shared_ptr<Volumes> volumes;
    /// The parts of this tree that no client may reach, if any.
    std::shared_ptr<const Withheld> withheld;
    /// Makes a descriptor's file durable: fdatasync or fsync, unless a test counts calls or makes
    /// them fail.
    std::function<Result<void>(int descriptor, Sync what)> synchronize;
};

class Tree;

/// All nodes must be released before it is destroyed.
class FileSystem final : public vfs::FileSystem {
public:
    explicit FileSystem(std::unique_ptr<Tree> tree);
    ~FileSystem() override;

    using vfs::FileSystem::find;
    using vfs::FileSystem::root;
    Result<NodePtr> root(Patience patience) override;
    Result<NodePtr> find(const ObjectId& id, const Way& way, Patience patience) override;
    Result<void> link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                      std::string_view name) override;
    Result<void> rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                        vfs::Node& to, std::string_view to_name) override;
    [[nodiscard]] Limits limits() const override;
    [[nodiscard]] std::uint64_t losses() const override;
    [[nodiscard]] bool gives_fileids() const override;
    [[nodiscard]] std::uint64_t id_space() const override;
    [[nodiscard]] Result<MountPlace> mount_place() const override;
    [[nodiscard]] Result<ObjectId> place_of(const MountPlace& inner) const override;
    [[nodiscard]] std::string fingerprint() const override;
    [[nodiscard]] bool has_kernel_handles() const override;
    /// Shares volumes and descriptors with this tree, and withholds the same parts.
    [[nodiscard]] boost::system::result<std::shared_ptr<vfs::FileSystem>, OpenError>
    open_mounted(const std::string& point) const override;

    /// One line for the start-up log: how objects are found again, whether handles survive a
    /// restart (if the server keeps its key), and which identity callers act under.
    [[nodiscard]] std::string describe() const;

    /// Whether clients' handles lead to the same objects after a restart, if the server keeps its
    /// key.
    [[nodiscard]] bool handles_survive() const;

    /// Whether each caller acts under its own identity; otherwise all act as the server's user.
    [[nodiscard]] bool acts_as_callers() const;

    /// Releases deleted objects, so that their space is freed. Also closes descriptors for writing
    /// that were unused since the last call, so that a program just copied here can run locally.
    void sweep() override;

    [[nodiscard]] std::optional<std::string> trouble() override;

    [[nodiscard]] std::size_t nodes_cached() const;

private:
    std::unique_ptr<Tree> tree_;
};

/// Exports the directory at `path`, following symbolic links in it. operation_not_permitted if the
/// directory is withheld, or lies below one that is. The process's umask should be 0: clients have
/// applied their own to the modes that they send.
boost::system::result<std::unique_ptr<FileSystem>, OpenError> open(const std::string& path,
                                                                   const Options& options = {});

/// Gives up CAP_SYS_RESOURCE for good in the calling thread and in threads that it starts, so that
/// quotas and blocks reserved for root bind the server too. To be called in main, after limits are
/// raised and before threads start.
void drop_resource_override();

}  // namespace berth::vfs::posix
