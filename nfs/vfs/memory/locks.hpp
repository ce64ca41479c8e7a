// Locks on the files of a tree in RAM, which only clients of this server can hold.
#pragma once

#include <mutex>
#include <vector>

#include "nfs/vfs/file_system.hpp"

namespace berth::vfs::memory {

class Locks;

/// All owners' locks on one file.
struct HeldLocks {
    std::mutex lock;
    std::vector<Locks*> owners;
};

/// One owner's locks on one file.
class Locks final : public FileLocks {
public:
    /// `held` belongs to `file`, which this object keeps alive.
    Locks(NodePtr file, HeldLocks& held);
    Locks(const Locks&) = delete;
    Locks& operator=(const Locks&) = delete;
    ~Locks() override;

    Result<bool> lock(const LockedRange& wanted) override;
    Result<void> unlock(const ByteRange& range) override;
    Result<std::optional<Obstacle>> obstacle_to(const LockedRange& wanted) override;
    [[nodiscard]] std::string describe_file() const override;

private:
    [[nodiscard]] const LockedRange* excluding(const LockedRange& wanted) const;

    const NodePtr file_;
    HeldLocks& held_;
    LockedRanges ranges_;  // guarded by held_.lock
};

}  // namespace berth::vfs::memory
