// Removes and renames entries.
#include <mutex>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

bool is_dots(std::string_view name) {
    return name == "." || name == "..";
}

}  // namespace

Result<void> Node::check_removal(const Identity& who, const Node& entry) const {
    if (!may(who, inode_, may_write)) return std::errc::permission_denied;
    if (sticky_forbids(who, inode_, entry.inode_)) return std::errc::operation_not_permitted;
    return {};
}

void Node::drop_link(Time now, Remains& remains) {
    inode_.links = is_directory() ? 0 : inode_.links - 1;
    stamp_changed(inode_, now);
    if (is_gone()) volume_.bury(*this, remains);
}

Result<void> Node::remove(const Caller& caller, std::string_view name) {
    Remains remains;
    const std::unique_lock guard{volume_.lock()};
    const auto entry = resolve(caller.identity, name);
    if (!entry) return entry.error();
    if (is_dots(name)) return std::errc::is_a_directory;
    if (auto allowed = check_removal(caller.identity, **entry); !allowed) return allowed;
    if ((*entry)->is_directory()) return std::errc::is_a_directory;

    const auto now = volume_.now();
    entries().remove(name);
    stamp_modified(inode_, now);
    (*entry)->drop_link(now, remains);
    return {};
}

Result<void> Node::remove_directory(const Caller& caller, std::string_view name) {
    Remains remains;
    const std::unique_lock guard{volume_.lock()};
    const auto entry = resolve(caller.identity, name);
    if (!entry) return entry.error();
    if (name == ".") return std::errc::invalid_argument;
    if (name == "..") return std::errc::directory_not_empty;
    if (auto allowed = check_removal(caller.identity, **entry); !allowed) return allowed;
    if (!(*entry)->is_directory()) return std::errc::not_a_directory;
    if (!(*entry)->entries().empty()) return std::errc::directory_not_empty;

    const auto now = volume_.now();
    entries().remove(name);
    --inode_.links;
    stamp_modified(inode_, now);
    (*entry)->drop_link(now, remains);
    return {};
}

bool Node::is_below(const Node& ancestor) const {
    const auto* node = this;
    while (node != &ancestor) {
        const auto* parent = std::get<Directory>(node->inode_.body).parent();
        if (parent == node) return false;
        node = parent;
    }
    return node != this;
}

Result<void> Node::check_rename(const Identity& who, Node& moved, Node& to_directory,
                                Node* replaced) {
    if (auto allowed = check_removal(who, moved); !allowed) return allowed;
    const bool moves_directory = moved.is_directory();
    const bool other_parent = &to_directory != this;
    if (replaced == nullptr) {
        if (!may(who, to_directory.inode_, may_write)) return std::errc::permission_denied;
    } else {
        if (auto allowed = to_directory.check_removal(who, *replaced); !allowed) return allowed;
        if (moves_directory && !replaced->is_directory()) return std::errc::not_a_directory;
        if (!moves_directory && replaced->is_directory()) return std::errc::is_a_directory;
    }
    // The rename will change its "..".
    if (moves_directory && other_parent && !may(who, moved.inode_, may_write)) {
        return std::errc::permission_denied;
    }
    if (replaced != nullptr && moves_directory && !replaced->entries().empty()) {
        return std::errc::directory_not_empty;
    }
    if (moves_directory && other_parent && replaced == nullptr &&
        to_directory.inode_.links >= volume_.limits().links_max) {
        return std::errc::too_many_links;
    }
    return {};
}

Result<void> Node::rename(const Caller& caller, std::string_view name, Node& to,
                          std::string_view to_name) {
    const auto& who = caller.identity;
    Remains remains;
    const std::unique_lock guard{volume_.lock()};
    if (auto valid = check_name(name); !valid) return valid;
    if (auto valid = to.check_name(to_name); !valid) return valid;
    if (auto allowed = check_search(who); !allowed) return allowed;
    if (auto allowed = to.check_search(who); !allowed) return allowed;
    if (is_dots(name) || is_dots(to_name)) return std::errc::device_or_resource_busy;
    const auto found = resolve(who, name);
    if (!found) return found.error();
    auto& moved = **found;
    Node* replaced = nullptr;
    if (auto free = to.check_free(who, to_name); !free) {
        if (free.error() != std::errc::file_exists) return free;
        replaced = to.entries().find(to_name);
    }

    if (moved.is_directory() && (&to == &moved || to.is_below(moved))) {
        return std::errc::invalid_argument;
    }
    if (replaced != nullptr &&
        (replaced == this || (replaced->is_directory() && is_below(*replaced)))) {
        return std::errc::directory_not_empty;
    }
    if (&moved == replaced) return {};  // two names of one object: both stay
    if (auto allowed = check_rename(who, moved, to, replaced); !allowed) return allowed;

    const auto now = volume_.now();
    // Added before the old one goes: memory may run out.
    const auto position = replaced != nullptr ? to.entries().replace(to_name, &moved)
                                              : to.entries().add(to_name, &moved);
    moved.inode_.named = {to.inode_.fileid, position};
    entries().remove(name);
    if (moved.is_directory()) {
        moved.entries().move_to(&to);
        --inode_.links;
        ++to.inode_.links;
    }
    if (replaced != nullptr) {
        if (replaced->is_directory()) --to.inode_.links;
        replaced->drop_link(now, remains);
    }
    stamp_changed(moved.inode_, now);
    stamp_modified(inode_, now);
    stamp_modified(to.inode_, now);
    return {};
}

}  // namespace berth::vfs::memory
