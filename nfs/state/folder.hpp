// The directory for what must survive a restart. It is opened once, when the server starts; every
// file in it is reached through that descriptor, never by a path. Others may be able to put
// something else under the files' names, so a symbolic link is never followed, a FIFO never waited
// for, and an existing file never written into. Immutable; any thread that acts as the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::state {

class Folder {
public:
    /// Distinguishes a file from all others while it exists, whatever its name.
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        bool operator==(const Identity&) const = default;
    };
    /// Like fsync(2): 0, or errno has the error.
    using Synchronize = std::function<int(int)>;

    static constexpr std::size_t bytes_max = std::size_t{64} << 20;

    static vfs::Result<Folder> open(boost::filesystem::path path);

    [[nodiscard]] const boost::filesystem::path& path() const noexcept { return path_; }
    /// For the *at() calls; it can't be read.
    [[nodiscard]] int descriptor() const noexcept { return directory_.number(); }
    /// Another descriptor of the directory, for locking or syncing.
    [[nodiscard]] vfs::Result<vfs::Descriptor> reopen() const;

    /// Whether the next start would find this directory by its path. stale: another directory is
    /// there; otherwise the system's error.
    [[nodiscard]] vfs::Result<void> check_place() const;

    /// Identifies the entry of that name; a symbolic link counts as itself.
    [[nodiscard]] vfs::Result<Identity> identity(const std::string& name) const;

    struct Contents {
        Identity identity;
        std::string bytes;
    };
    /// Reads a whole regular file. too_many_symbolic_link_levels: a symbolic link is there;
    /// is_a_directory; invalid_argument: something else that is not a regular file; file_too_large:
    /// more than bytes_max.
    [[nodiscard]] vfs::Result<Contents> read(const std::string& name) const;

    struct Written {
        Identity identity;
        vfs::Descriptor file;  ///< open for writing
    };
    /// Replaces the file by one with these bytes: whole or not at all, and on disk on return. Only
    /// its owner may read it. After an error the old file may still have gone, if the directory
    /// can't be synchronized. Not for two threads at once.
    vfs::Result<Written> replace(const std::string& name, std::string_view bytes,
                                 const Synchronize& synchronize) const;

    [[nodiscard]] vfs::Result<void> rename(const std::string& from, const std::string& to) const;
    /// Gives the same file another name. file_exists: that name is taken.
    [[nodiscard]] vfs::Result<void> link(const std::string& from, const std::string& to) const;
    [[nodiscard]] vfs::Result<void> remove(const std::string& name) const;

private:
    Folder(boost::filesystem::path path, vfs::Descriptor directory, Identity identity)
        : path_(std::move(path)),
          directory_(std::move(directory)),
          identity_(identity) {}

    [[nodiscard]] vfs::Result<vfs::Descriptor> make_empty(const std::string& name) const;
    [[nodiscard]] vfs::Result<vfs::Descriptor> make_fresh(std::string& name) const;
    [[nodiscard]] vfs::Result<void> synchronize() const;

    boost::filesystem::path path_;
    vfs::Descriptor directory_;
    Identity identity_;
};

}  // namespace berth::state
