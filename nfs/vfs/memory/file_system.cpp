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

Result<NodePtr> FileSystem::root(Patience) {
    return NodePtr{root_};
}

Result<NodePtr> FileSystem::find(const ObjectId& id, const Way&, Patience) {
    const std::shared_lock guard{volume_.lock()};
    const auto found = volume_.find(id);
    if (!found) return found.error();
    return NodePtr{*found};
}

Result<Node*> FileSystem::own(const vfs::Node& node) {
    const std::shared_lock guard{volume_.lock()};
    const auto found = volume_.find(node.id());
    if (!found && found.error() == stale) return stale;
    if (!found || *found != &node) return std::errc::cross_device_link;
    return found;
}

Result<void> FileSystem::link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                              std::string_view name) {
    const auto into = own(directory);
    if (!into) return into.error();
    const auto object = own(target);
    if (!object) return object.error();
    return (*into)->link(caller, name, **object);
}

Result<void> FileSystem::rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                                vfs::Node& to, std::string_view to_name) {
    const auto source = own(from);
    if (!source) return source.error();
    const auto target = own(to);
    if (!target) return target.error();
    return (*source)->rename(caller, from_name, **target, to_name);
}

std::unique_ptr<vfs::FileSystem> make(const Options& options) {
    return std::make_unique<FileSystem>(options);
}

}  // namespace berth::vfs::memory
