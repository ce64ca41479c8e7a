// Finds and changes a directory's entries.
#include <cstdio>
#include <optional>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {

// Every call on an entry starts with this: a directory, a name, the caller's identity.
Result<Node::Entry> Node::entry(const Caller& caller, std::string_view name) const {
    if (type_ != FileType::directory) return std::errc::not_a_directory;
    if (caller.patience == Patience::none && tree_.abilities().remote) return would_block;
    auto checked_name = EntryName::from(name);
    if (!checked_name) return checked_name.error();
    auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    return Entry{*checked_name, *std::move(acting)};
}

Result<Node::Entry> Node::entry_to_change(const Caller& caller, std::string_view name) const {
    if (type_ == FileType::directory && caller.patience == Patience::none) return would_block;
    return entry(caller, name);
}

Result<NodePtr> Node::lookup(const Caller& caller, std::string_view name) {
    const auto at = entry(caller, name);
    if (!at) return at.error();
    if (at->name.is_dot_dot()) return parent(caller);
    auto found = look_up(at->name, caller.patience);
    if (!found) return found.error();
    return NodePtr{std::move(*found)};
}

Result<Pin> Node::look_up(const EntryName& name, Patience patience) {
    auto opened = tree_.open_entry(path_.number(), name.text(), patience);
    if (!opened) return reason(opened.error());
    if (name.is_dot()) {
        if (is_deleted()) return stale;
        return Pin{this};
    }
    auto id = tree_.identify(opened->number(), "", id_, name.text(), patience);
    if (!id) return id.error();
    const auto way = tree_.way_to(*id, {id_, name.text()}, patience);
    if (!way) return way.error();
    auto node = tree_.adopt(std::move(*opened), *id, patience, std::nullopt, Held::object, *way);
    if (!node) return node;
    if (auto told = tree_.locator().seen(*id, id_, name.text(), patience); !told)
        return told.error();
    return node;
}

Result<NodePtr> Node::parent(const Caller& caller) {
    // Looking up any name requires permission to search, ".." included.
    if (auto allowed = tree_.open_entry(path_.number(), ".", caller.patience); !allowed) {
        return reason(allowed.error());
    }
    // The kernel remembers the parent of a removed directory.
    if (is_deleted()) return stale;
    if (id_ == tree_.root_id()) return NodePtr{this};
    if (caller.patience == Patience::none) return would_block;
    // A removed directory still knows its old place.
    if (auto still = alive(); !still) return still.error();
    const auto acting = tree_.act_as_server();
    if (!acting) return acting.error();
    auto node = tree_.parent_of(path_.number(), id_);
    if (!node) return reason(node.error());
    return NodePtr{std::move(*node)};
}

Result<Listed> Node::peek(const Caller& caller, std::string_view name) {
    const auto at = entry(caller, name);
    if (!at) return at.error();
    if (at->name.is_dot_dot()) {
        auto node = parent(caller);
        if (!node) return node.error();
        auto attributes = (*node)->attributes(caller.patience);
        if (!attributes) return attributes.error();
        return Listed{(*node)->id(), *attributes};
    }
    if (caller.patience == Patience::none) return peek_by_opening(at->name, caller.patience);

    // If ids may be uncertain, one descriptor is used for all questions.
    if (!tree_.identity().is_always_certain()) return peek_by_opening(at->name, caller.patience);
    auto id = tree_.identify(path_.number(), at->name.text(), id_, name, caller.patience);
    if (!id) return reason(id.error());
    auto found = status(path_.number(), at->name.text());
    if (!found) return reason(found.error());
    if (tree_.identity().is_gone(*found)) return stale;
    if (tree_.withholds(*found)) return std::errc::permission_denied;
    // Another object may have got the name between the two calls. An inode number in the id shows
    // that none has; without one, a single descriptor for both makes sure.
    if (!tree_.identity().same_mount(*found) || !ObjectIdentity::shows_inode(*id, found->stx_ino)) {
        return peek_by_opening(at->name, caller.patience);
    }
    std::ignore = tree_.locator().seen(*id, id_, at->name.text(), Patience::ample);
    return listed(*id, at->name, *found, caller.patience);
}

// The handle stays the one that clients may have already.
Result<Listed> Node::listed(const ObjectId& id, const EntryName& name, const struct statx& status,
                            Patience patience) const {
    const auto attributes = tree_.attributes_of(id, status);
    const auto way = attributes.type == FileType::directory
                         ? Result<Way>{Way{}}
                         : tree_.way_to(id, {id_, name.text()}, patience);
    if (!way) return way.error();
    return Listed{id, attributes, *way};
}

Result<Listed> Node::peek_by_opening(const EntryName& name, Patience patience) const {
    auto opened = tree_.open_entry(path_.number(), name.text(), patience);
    if (!opened) return reason(opened.error());
    auto id =
        name.is_dot() ? id_ : tree_.identify(opened->number(), "", id_, name.text(), patience);
    if (!id) return id.error();
    auto found = status(opened->number());
    if (!found) return says_gone(found.error()) ? stale : found.error();
    if (tree_.identity().is_gone(*found)) return stale;
    if (tree_.withholds(*found)) return std::errc::permission_denied;
    if (auto told = tree_.locator().seen(*id, id_, name.text(), patience); !told)
        return told.error();
    return listed(*id, name, *found, patience);
}

Result<void> Node::link(const Caller& caller, std::string_view name, Node& object) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    if (auto inside = tree_.check_inside(object); !inside) return inside;
    const auto linked = link_opened(object.path_.number(), path_.number(), at->name.text());
    if (!linked) {
        const bool is_missing = linked.error() == std::errc::no_such_file_or_directory;
        return is_missing && object.is_deleted() ? stale : reason(linked.error());
    }
    tree_.linked(object, path_.number(), {id_, name});
    return {};
}

Result<void> Node::remove(const Caller& caller, std::string_view name) {
    auto removed = unlink(caller, name, 0);
    if (removed || removed.error() != std::errc::operation_not_permitted) return removed;
    // EPERM is POSIX's error for a directory; other systems have EISDIR.
    auto found = status(path_.number(), std::string{name}.c_str());
    if (found && S_ISDIR(found->stx_mode)) return std::errc::is_a_directory;
    return removed;
}

Result<void> Node::remove_directory(const Caller& caller, std::string_view name) {
    return unlink(caller, name, AT_REMOVEDIR);
}

Result<void> Node::unlink(const Caller& caller, std::string_view name, int flags) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    if (auto allowed = tree_.may_change(path_.number(), at->name.text()); !allowed) return allowed;
    const auto victim = tree_.identify(path_.number(), at->name.text(), id_, name, Patience::ample);
    if (::unlinkat(path_.number(), at->name.text(), flags) != 0) return reason(last_error());
    if (victim) tree_.unlinked(*victim, id_, name);
    return {};
}

Result<void> Node::rename(const Caller& caller, std::string_view name, Node& target,
                          std::string_view to_name) {
    const auto from = entry_to_change(caller, name);
    if (!from) return from.error();
    const auto to = target.entry_to_change(caller, to_name);
    if (!to) return to.error();
    if (auto allowed = tree_.may_change(path_.number(), from->name.text()); !allowed)
        return allowed;
    if (auto allowed = tree_.may_change(target.path_.number(), to->name.text()); !allowed)
        return allowed;
    if (&target != this) {
        if (auto inside = tree_.check_inside(*this); !inside) return inside;
        if (auto inside = tree_.check_inside(target); !inside) return inside;
    }
    std::optional<ObjectId> moved;
    if (tree_.locator().wants_moves(&target != this)) {
        auto id = tree_.identify(path_.number(), from->name.text(), id_, name, Patience::ample);
        if (id) moved = *id;
    }
    const auto victim = tree_.identify(target.path_.number(), to->name.text(), target.id_, to_name,
                                       Patience::ample);
    // If both are names of one object, rename(2) does nothing and both stay.
    const bool is_moved = moved && !(victim && *victim == *moved);
    // Both names are remembered during the rename, so that any search finds the object.
    if (is_moved) std::ignore = tree_.locator().seen(*moved, target.id_, to_name, Patience::ample);
    if (::renameat2(path_.number(), from->name.text(), target.path_.number(), to->name.text(), 0) !=
        0) {
        const auto error = last_error();
        if (is_moved) tree_.locator().unlinked(*moved, target.id_, to_name);
        return target.reason(reason(error));
    }
    if (moved && !is_moved) return {};
    if (victim) tree_.unlinked(*victim, target.id_, to_name);
    if (is_moved) tree_.moved(*moved, {id_, name}, target.path_.number(), {target.id_, to_name});
    return {};
}

}  // namespace berth::vfs::posix
