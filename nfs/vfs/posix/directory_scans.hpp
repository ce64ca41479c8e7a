// What directories hold, by inode number: for objects of which the directory is known and the name
// is not. Each directory is read as a whole and what it held is remembered for the next object,
// bounded, since after a restart clients ask for all that they have open. Any thread; reading is
// done for one directory at a time, by a thread that acts as the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class DirectoryScans {
public:
    /// `bytes_max`: of what is remembered of all directories. One that takes more by itself is read
    /// each time, up to where the object is found.
    explicit DirectoryScans(std::size_t bytes_max);
    ~DirectoryScans();

    /// Opens what is looked for by a name that an entry with its inode number has; nothing when
    /// that name is another object's by now.
    using TryName = std::function<Result<Descriptor>(const char* name)>;

    /// What `try_name` opened; stale when no name in the directory leads to it. `directory` may be
    /// open as O_PATH only.
    Result<Descriptor> find(int directory, const ObjectId& id, std::uint64_t inode,
                            const TryName& try_name);

    /// To be called about once a second: forgets what nobody has asked for in a while.
    void sweep();

private:
    class Scan;
    using ScanPtr = std::shared_ptr<const Scan>;

    struct Remembered {
        ScanPtr scan;
        unsigned sweeps = 0;  ///< since it was used
    };

    ScanPtr remembered(const ObjectId& id);
    void remember(ScanPtr scan);
    void forget(std::list<Remembered>::iterator one);
    std::list<Remembered>::iterator find(const ObjectId& id);

    const std::size_t bytes_max_;
    std::mutex scanning_;
    std::mutex lock_;
    std::list<Remembered> scans_;  ///< used last first
    std::size_t bytes_ = 0;
};

}  // namespace berth::vfs::posix
