// Objects that no client may reach, whatever is exported and however it is reached: the server's
// own state. Immutable, so any number of threads may use one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/filesystem/path.hpp>

#include "nfs/vfs/descriptor.hpp"

struct statx;

namespace berth::vfs {

class Withheld {
public:
    /// Reveals a directory that appears a second time with other numbers: through a stacked file
    /// system (overlay, FUSE), or in a snapshot.
    struct Mark {
        std::string name;                 ///< the name of a file in the directory
        std::vector<std::byte> contents;  ///< which no other file has
    };
    struct What {
        /// The objects there now, identified by device and inode, and so known under any other name
        /// too. They stay open, so that nothing else gets their numbers. A directory includes
        /// everything below it. Paths that can't be opened are left out.
        std::vector<boost::filesystem::path> paths;
        /// Symbolic links that lead to them, which no client may move or remove.
        std::vector<boost::filesystem::path> links;
        std::optional<Mark> mark;
    };
    explicit Withheld(const What& what);

    /// Whether the status is that of a withheld object.
    [[nodiscard]] bool has(const struct statx& found) const noexcept;
    /// Whether the open object is withheld, or lies below a withheld one on its file system. For an
    /// object that is not a directory, the kernel's path tells where it lies.
    [[nodiscard]] bool reaches(int object) const;
    /// Whether a withheld object, or a link that leads to one, lies below the open directory.
    [[nodiscard]] bool is_below(int directory) const;
    /// Whether the status is that of a link that leads to a withheld object.
    [[nodiscard]] bool is_link(const struct statx& found) const noexcept;
    /// Whether the open directory has the mark. For a thread that acts as the server.
    [[nodiscard]] bool marks(int directory) const;
    /// Whether it may have the mark: the name is there, or the caller may not find out. Any thread.
    [[nodiscard]] bool may_mark(int directory) const;

private:
    struct Object {
        Descriptor held;  // for a link: its directory
        std::uint32_t device_major = 0;
        std::uint32_t device_minor = 0;
        std::uint64_t inode = 0;

        [[nodiscard]] bool is(const struct statx& found) const noexcept;
    };
    static std::optional<Object> object_at(const boost::filesystem::path& path);

    std::vector<Object> objects_;
    std::vector<Object> links_;
    std::optional<Mark> mark_;
};

}  // namespace berth::vfs
