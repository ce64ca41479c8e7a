// Locks on real files: open-file-description locks, so that local processes and, where the file
// system is shared by machines, other servers meet them.
#pragma once

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/posix/descriptor.hpp"

namespace berth::vfs::posix {

class Locks final : public FileLocks {
public:
    /// The locks belong to the open file: `file` is open once, for this owner alone. Reading is
    /// enough for shared locks, an exclusive one needs a file open for writing too.
    explicit Locks(Descriptor file) : file_(std::move(file)) {}

    Result<bool> lock(const LockedRange& wanted) override;
    Result<void> unlock(const ByteRange& range) override;
    Result<std::optional<Obstacle>> obstacle_to(const LockedRange& wanted) override;
    [[nodiscard]] std::string describe_file() const override;

private:
    Descriptor file_;
};

}  // namespace berth::vfs::posix
