// The path of an object.
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <variant>

#include "nfs/vfs/memory/node.hpp"

namespace berth::vfs::memory {

// The name that is remembered may have gone while the object had others.
std::pair<const Node*, std::string_view> Node::parent_and_name() const {
    auto named = inode_.named;
    for (const bool is_remembered : {true, false}) {
        if (!is_remembered) named = volume_.name_of(*this);
        const auto* const parent = volume_.find(named.directory);
        if (parent == nullptr) continue;
        const auto* const directory = std::get_if<Directory>(&parent->inode_.body);
        if (directory == nullptr) continue;
        const auto name = directory->name_of(this, named.position);
        if (!name.empty()) return {parent, name};
    }
    return {};
}

std::string Node::place() const {
    const std::shared_lock guard{volume_.lock()};
    std::string path;
    const auto* node = this;
    for (;;) {
        if (node->is_directory() && std::get<Directory>(node->inode_.body).parent() == node)
            return path;
        const auto [parent, name] = node->parent_and_name();
        if (parent == nullptr) return {};
        path.insert(0, "/" + std::string{name});
        node = parent;
    }
}

}  // namespace berth::vfs::memory
