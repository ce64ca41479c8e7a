// What an object holds: a file's bytes, a link's text.
#include <algorithm>
#include <mutex>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

std::errc no_regular_file(const Inode& inode) {
    return inode.type == FileType::directory ? std::errc::is_a_directory
                                             : std::errc::invalid_argument;
}

}  // namespace

Result<std::string> Node::read_link(const Caller&) {
    std::string text;
    {
        const std::shared_lock guard{volume_.lock()};
        if (is_gone()) return stale;
        const auto* target = std::get_if<Target>(&inode_.body);
        if (target == nullptr) return std::errc::invalid_argument;
        text = target->text;
    }
    note_access();
    return text;
}

Result<std::size_t> Node::read(const Caller& caller, std::uint64_t offset,
                               std::span<std::byte> into) {
    std::size_t count = 0;
    {
        const std::shared_lock guard{volume_.lock()};
        if (is_gone()) return stale;
        const auto* contents = std::get_if<Contents>(&inode_.body);
        if (contents == nullptr) return no_regular_file(inode_);
        if (!may_read_contents(caller.identity, inode_)) return std::errc::permission_denied;
        count = contents->read(offset, into);
    }
    if (!into.empty()) note_access();
    return count;
}

Result<std::size_t> Node::write(const Caller& caller, std::uint64_t offset,
                                std::span<const std::byte> data) {
    const std::unique_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    auto* contents = std::get_if<Contents>(&inode_.body);
    if (contents == nullptr) return no_regular_file(inode_);
    if (!may_write_contents(caller.identity, inode_)) return std::errc::permission_denied;
    if (data.empty()) return 0;

    const auto end_max = volume_.limits().file_bytes_max;
    if (offset >= end_max) return std::errc::file_too_large;
    data = data.first(std::min<std::uint64_t>(data.size(), end_max - offset));
    const auto count = contents->write(offset, data, volume_.bytes());
    if (count == 0) return std::errc::no_space_on_device;
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
