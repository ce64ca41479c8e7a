#include "nfs/vfs/memory/locks.hpp"

#include <string>
#include <utility>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {

Locks::Locks(NodePtr file, HeldLocks& held) : file_(std::move(file)), held_(held) {
    auto owners = held_.synchronize();
    owners->push_back(this);
}

Locks::~Locks() {
    auto owners = held_.synchronize();
    std::erase(*owners, this);
}

const LockedRange* Locks::excluding(const std::vector<Locks*>& owners,
                                    const LockedRange& wanted) const {
    for (const auto* other : owners) {
        if (other == this) continue;
        if (const auto* found = other->ranges_.excluding(wanted)) return found;
    }
    return nullptr;
}

Result<bool> Locks::lock(const LockedRange& wanted) {
    auto owners = held_.synchronize();
    if (excluding(*owners, wanted) != nullptr) return false;
    ranges_.lock(wanted);
    return true;
}

Result<void> Locks::unlock(const ByteRange& range) {
    auto owners = held_.synchronize();
    ranges_.unlock(range);
    return {};
}

Result<std::optional<FileLocks::Obstacle>> Locks::obstacle_to(const LockedRange& wanted) {
    auto owners = held_.synchronize();
    const auto* found = excluding(*owners, wanted);
    if (found == nullptr) return std::optional<Obstacle>{};
    return std::optional{Obstacle{.held = *found}};
}

std::string Locks::describe_file() const {
    const auto attributes = file_->attributes(Patience::ample);
    return attributes ? "file " + std::to_string(attributes->fileid) : "removed file";
}

Result<std::unique_ptr<FileLocks>> Node::open_locks(const Caller& caller) {
    {
        const std::shared_lock guard{volume_.lock()};
        if (is_directory()) return std::errc::is_a_directory;
        if (inode_.type != FileType::regular) return std::errc::invalid_argument;
        if (is_gone()) return stale;
        if (!may_read_contents(caller.identity, inode_) &&
            !may_write_contents(caller.identity, inode_))
            return std::errc::permission_denied;
    }
    return std::make_unique<Locks>(NodePtr{this}, held_locks_);
}

}  // namespace berth::vfs::memory
