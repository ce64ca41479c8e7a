// The contents of directories by inode number, for objects whose directory is known but not their
// name. Each directory is read as a whole, and its contents are remembered for the next object,
// within a bound, since after a restart clients ask for everything that they have open. Any thread;
// one directory at a time is read, by a thread that acts as the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class DirectoryScans {
public:
    /// `bytes_max` limits what is remembered of all directories. A directory that exceeds it alone
    /// is read each time, up to the object.
    explicit DirectoryScans(std::size_t bytes_max);
    ~DirectoryScans();

    /// Opens the object by the name of an entry with its inode number; nothing if the name now
    /// belongs to another object.
    using TryName = std::function<Result<Descriptor>(const char* name)>;

    /// Returns what `try_name` opened; stale if no name in the directory leads to it. `directory`
    /// may be an O_PATH descriptor.
    Result<Descriptor> find(int directory, const ObjectId& id, std::uint64_t inode,
                            const TryName& try_name);

    /// To be called about once a second: forgets directories that nobody has asked for in a while.
    void sweep();

private:
    class Scan;
    using ScanPtr = std::shared_ptr<const Scan>;

    struct Remembered {
        ScanPtr scan;
        unsigned sweeps = 0;  ///< since it was last used
    };

    ScanPtr remembered(const ObjectId& id);
    void remember(ScanPtr scan);
    void forget(std::list<Remembered>::iterator one);
    std::list<Remembered>::iterator find(const ObjectId& id);

    const std::size_t bytes_max_;
    std::mutex scanning_;
    std::mutex lock_;
    // Guarded by lock_:
    std::list<Remembered> scans_;  ///< most recently used first
    std::size_t bytes_ = 0;
};

}  // namespace berth::vfs::posix
