// Which object is which: ids of what is seen in a tree, and what the stores of names are told of
// it.
#include <string>

#include <sys/stat.h>

#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {

Result<ObjectId> Tree::identify(int at, const char* entry, const ObjectId& directory,
                                std::string_view name, Wait wait) {
    auto seen = identity_.sight(at, entry);
    if (!seen) return refused(seen.error());
    if (seen->is_certain) return seen->mark;
    if (seen->mark == root_mark_) return root_id_;
    if (wait == Wait::no) return would_block;
    return assigned_->of(*seen, directory, name,
                         [&](const ObjectId& id) { return compare_held(id, at, entry); });
}

// The one held is another one when it is gone. A file system in user space may give one object two
// marks while it lives, as to the names of a file with several.
AssignedIds::Held Tree::compare_held(const ObjectId& id, int at, const char* entry) {
    const Pin held = cache_.find(id);
    if (!held) return AssignedIds::Held::not_held;
    const auto of_held = status(held->path());
    const auto found = status(at, entry);
    const bool is_same = of_held && found && of_held->stx_ino == found->stx_ino &&
                         of_held->stx_dev_major == found->stx_dev_major &&
                         of_held->stx_dev_minor == found->stx_dev_minor &&
                         (of_held->stx_mode & S_IFMT) == (found->stx_mode & S_IFMT);
    if (is_same && !held->is_deleted()) return AssignedIds::Held::same;
    // What is held is of no use to anybody any more, though it may not say that it is gone.
    if (!is_same || held->is_deleted()) cache_.erase(id);
    return AssignedIds::Held::other;
}

Result<ObjectId> Tree::identify_parent(int opened, const ObjectId& child) {
    auto seen = identity_.sight(opened);
    if (!seen) return refused(seen.error());
    if (seen->is_certain) return seen->mark;
    if (seen->mark == root_mark_) return root_id_;
    if (auto held = assigned_->of_held(seen->mark)) return *held;
    if (auto directory = locator_->directory_of(child)) return *directory;
    return stale;
}

Result<bool> Tree::is_object(int opened, const ObjectId& id, const Place& place) const {
    auto seen = identity_.sight(opened);
    if (!seen) return seen.error();
    if (seen->is_certain) return seen->mark == id;
    return assigned_->is(id, *seen, place.directory, place.name);
}

Attributes Tree::attributes_of(const ObjectId& id, const struct statx& status) const {
    auto attributes = to_attributes(status);
    attributes.part = identity_.part_of(id, status);
    if (AssignedIds::is_assigned(id) || !identity_.numbers_differ(status))
        attributes.fileid = AssignedIds::number_of(id);
    if (attributes.links == 0) attributes.links = 1;
    return attributes;
}

std::errc Tree::refused(std::errc error) {
    const bool is_told_apart =
        error != std::errc::operation_not_supported && error != std::errc::value_too_large;
    if (!is_told_apart && !has_refused_.exchange(true)) refusal_is_new_.store(true);
    return error;
}

void Tree::changed(const Node& object) {
    if (!identity_.changes_looks() || !AssignedIds::is_assigned(object.object_id())) return;
    const auto seen = identity_.sight(object.path());
    if (seen) assigned_->changed(object.object_id(), seen->witness);
}

void Tree::arrived(const ObjectId& id, int at, const Locator::Entry& as) {
    if (!assigned_ || !AssignedIds::is_assigned(id)) return;
    const auto seen = identity_.sight(at, std::string{as.name}.c_str());
    if (seen) assigned_->arrived(id, seen->witness, as.directory, as.name);
}

void Tree::linked(const Node& object, int at, const Locator::Entry& as) {
    arrived(object.object_id(), at, as);
    locator_->linked(object.object_id(), object.way(), as);
}

void Tree::moved(const ObjectId& id, const Locator::Entry& from, int at, const Locator::Entry& to) {
    if (assigned_) assigned_->left(from.directory, from.name);
    arrived(id, at, to);
    locator_->moved(id, from, to);
}

}  // namespace berth::vfs::posix
