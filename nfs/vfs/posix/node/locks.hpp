// Locks on real files: open-file-description locks. Local processes meet them, and so do other
// servers where machines share the file system.
#pragma once

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/file_system.hpp"

namespace berth::vfs::posix {

class Locks final : public FileLocks {
public:
    /// The locks belong to the open file: `file` is opened for this owner alone. For shared locks
    /// it must be readable; for exclusive ones it must be writable too.
    explicit Locks(Descriptor file) : file_(std::move(file)) {}

    Result<bool> lock(const LockedRange& wanted) override;
    Result<void> unlock(const ByteRange& range) override;
    Result<std::optional<Obstacle>> obstacle_to(const LockedRange& wanted) override;
    [[nodiscard]] std::string describe_file() const override;

private:
    Descriptor file_;
};

}  // namespace berth::vfs::posix
