// A real directory exported: the kernel's own files, its own handles, its own permissions.
// For the server layer, which opens one of these per exported directory and keeps it until it
// stops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

struct Options {
    /// Objects kept open between calls, at most; each takes one descriptor, a busy file or
    /// directory up to four. 0: a quarter of the process's descriptors, at most 16384.
    std::size_t nodes_max = 0;
    /// Where names of objects are kept where the kernel opens no handles: a directory of this tree
    /// alone, made if need be, so that handles survive a restart. Empty: in memory.
    std::filesystem::path journal;
    /// Objects whose names are kept, at most; the longest unused are forgotten first, and handles
    /// to them become stale. In memory about 200 bytes each; in the journal at most 1 KiB, on disk.
    std::size_t names_in_memory_max = 1'000'000;
    std::size_t names_in_journal_max = 8'000'000;
    /// Whether to use the kernel's handles where it lets us; false only to have the other way
    /// tested.
    bool kernel_handles = true;
    /// What makes a descriptor's file durable; fdatasync or fsync unless a test counts or fails
    /// them.
    std::function<Result<void>(int descriptor, Sync what)> synchronize;
};

struct OpenError {
    std::errc code{};
    std::string reason;  ///< one line for the person who started the server
};

/// What value() of a failed open() throws: a std::system_error that says the reason.
[[noreturn]] void throw_exception_from_error(const OpenError& error, const boost::source_location&);

/// Where the root of a tree is among what is mounted.
struct Mounting {
    std::uint64_t mount = 0;  ///< the kernel's number for it, nobody else's while the tree is open
    bool is_root = false;     ///< of all that is mounted there
    std::string path;         ///< absolute, as the kernel tells it, links followed
};

class Tree;

/// Nodes must be let go before it is destroyed.
class FileSystem final : public vfs::FileSystem {
public:
    explicit FileSystem(std::unique_ptr<Tree> tree);
    ~FileSystem() override;

    using vfs::FileSystem::root;
    Result<NodePtr> root(Wait wait) override;
    Result<NodePtr> find(const ObjectId& id, Wait wait) override;
    [[nodiscard]] Limits limits() const override;
    [[nodiscard]] std::uint64_t losses() const override;

    /// One line for the start-up log: how objects are found again, what does not survive a restart,
    /// and as whom callers act.
    [[nodiscard]] std::string describe() const;

    /// function_not_supported before Linux 5.8.
    [[nodiscard]] Result<Mounting> mounting() const;
    /// The directory of this tree in which the root of `inner` is mounted. permission_denied or
    /// stale when there is none.
    [[nodiscard]] Result<ObjectId> place_of(const FileSystem& inner) const;
    /// What tells the file system from all others, and the root in it, wherever it is mounted and
    /// after a restart: by its UUID, before Linux 6.9 by the id that statfs(2) tells. Empty when it
    /// has neither.
    [[nodiscard]] std::string fingerprint() const;
    /// Whether objects are found by the kernel's file handles.
    [[nodiscard]] bool has_kernel_handles() const;

    /// Lets go of deleted objects, so that their space is freed, and of descriptors open for
    /// writing that nobody has written to since the last call, so that a program just copied here
    /// can be run locally.
    void sweep() override;

    [[nodiscard]] std::optional<std::string> trouble() override;

    [[nodiscard]] std::size_t nodes_cached() const;

private:
    std::unique_ptr<Tree> tree_;
};

/// Exports the directory at `path`, symbolic links in it followed. The process's umask should be 0:
/// modes come from clients, who have applied their own.
boost::system::result<std::unique_ptr<FileSystem>, OpenError> open(const std::string& path,
                                                                   const Options& options = {});

/// Gives up CAP_SYS_RESOURCE for good in the calling thread and those it starts, so that quotas and
/// blocks reserved for root bind the server too. Call it in main, after limits are raised and
/// before threads start.
void drop_resource_override();

}  // namespace berth::vfs::posix
