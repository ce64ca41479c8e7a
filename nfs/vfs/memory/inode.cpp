#include "nfs/vfs/memory/inode.hpp"

namespace berth::vfs::memory {

Attributes attributes_of(const Inode& inode) {
    Attributes seen{
        .type = inode.type,
        .mode = inode.mode,
        .links = inode.links,
        .uid = inode.uid,
        .gid = inode.gid,
        .device = inode.device,
        .fileid = inode.fileid,
        .accessed = inode.accessed,
        .modified = inode.modified,
        .changed = inode.changed,
    };
    if (const auto* contents = std::get_if<Contents>(&inode.body)) {
        seen.size = contents->size();
        seen.used = contents->used();
    } else if (const auto* target = std::get_if<Target>(&inode.body)) {
        seen.size = target->text.size();
    } else if (inode.type == FileType::directory) {
        seen.size = seen.used = Contents::block_bytes;
    }
    return seen;
}

}  // namespace berth::vfs::memory
