// The contents of an object: a file's bytes, a link's text.
#include <mutex>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

Result<void> check_contents(const Inode& inode) {
    if (inode.type == FileType::directory) return std::errc::is_a_directory;
    if (inode.type != FileType::regular) return std::errc::invalid_argument;
    if (inode.links == 0) return stale;
    return {};
}

}  // namespace

Result<std::string> Node::read_link(const Caller&) {
    std::string text;
    {
        const std::shared_lock guard{volume_.lock()};
        if (inode_.type != FileType::symbolic_link) return std::errc::invalid_argument;
        if (is_gone()) return stale;
        text = std::get<Target>(inode_.body).text;
    }
    note_access();
    return text;
}

Result<std::size_t> Node::read(const Caller& caller, std::uint64_t offset,
                               std::span<std::byte> into, const Attributes* /*seen*/) {
    std::size_t count = 0;
    {
        const std::shared_lock guard{volume_.lock()};
        if (auto valid = check_contents(inode_); !valid) return valid.error();
        if (!may_read_contents(caller.identity, inode_)) return std::errc::permission_denied;
        count = std::get<Contents>(inode_.body).read(offset, into);
    }
    if (count > 0) note_access();
    return count;
}

Result<std::size_t> Node::write(const Caller& caller, std::uint64_t offset,
                                std::span<const std::byte> data, const Attributes* /*seen*/) {
    const std::unique_lock guard{volume_.lock()};
    if (auto valid = check_contents(inode_); !valid) return valid.error();
    if (!may_write_contents(caller.identity, inode_)) return std::errc::permission_denied;
    if (offset > Volume::file_bytes_max || data.size() > Volume::file_bytes_max - offset) {
        return std::errc::file_too_large;
    }
    if (data.empty()) return 0;

    const auto count = std::get<Contents>(inode_.body).write(offset, data, volume_.bytes());
    if (count == 0) return std::errc::no_space_on_device;
    inode_.verifier.reset();
    inode_.mode = mode_after_write(caller.identity, inode_);
    stamp_modified(inode_, volume_.now());
    return count;
}

Result<void> Node::sync(Sync) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return {};
}

void Node::note_access() {
    {
        const std::shared_lock guard{volume_.lock()};
        if (is_gone() || !access_time_is_due()) return;
    }
    const std::unique_lock guard{volume_.lock()};
    if (!is_gone() && access_time_is_due()) inode_.accessed = volume_.now();
}

bool Node::access_time_is_due() const {
    return inode_.accessed <= inode_.modified || inode_.accessed <= inode_.changed;
}

}  // namespace berth::vfs::memory
