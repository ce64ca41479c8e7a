#include "nfs/vfs/memory/file_system.hpp"

#include <mutex>
#include <stdexcept>

#include "nfs/vfs/memory/node.hpp"

namespace berth::vfs::memory {
namespace {

Node* add_root(Volume& volume, const Options& options) {
    const auto now = volume.now();
    auto* root = volume.add({
        .type = FileType::directory,
        .mode = options.root_mode & 07777,
        .uid = options.root_uid,
        .gid = options.root_gid,
        .links = 2,
        .accessed = now,
        .modified = now,
        .changed = now,
    });
    if (root == nullptr)
        throw std::invalid_argument("a tree in memory needs room for at least one file");
    root->inode().body = Directory{root};
    return root;
}

}  // namespace

FileSystem::FileSystem(const Options& options)
    : volume_(options),
      root_(add_root(volume_, options)) {}

Result<NodePtr> FileSystem::root(Wait) {
    return NodePtr{root_};
}

Result<NodePtr> FileSystem::find(const ObjectId& id, Wait) {
    const std::shared_lock guard{volume_.lock()};
    const auto found = volume_.find(id);
    if (!found) return found.error();
    return NodePtr{*found};
}

std::unique_ptr<vfs::FileSystem> make(const Options& options) {
    return std::make_unique<FileSystem>(options);
}

}  // namespace berth::vfs::memory
