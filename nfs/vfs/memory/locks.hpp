// Locks on the files of a tree in RAM, which only clients of this server can hold.
#pragma once

#include <mutex>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/file_system.hpp"

namespace berth::vfs::memory {

class Locks;

/// All owners' locks on one file.
using HeldLocks = boost::synchronized_value<std::vector<Locks*>, std::mutex>;

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
    [[nodiscard]] const LockedRange* excluding(const std::vector<Locks*>& owners,
                                               const LockedRange& wanted) const;

    const NodePtr file_;
    HeldLocks& held_;
    LockedRanges ranges_;  // guarded by the lock of held_
};

}  // namespace berth::vfs::memory
