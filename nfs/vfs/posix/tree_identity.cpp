// Which object is which: the ids of objects seen in a tree, and what the stores of names are told
// about them.
#include <optional>
#include <string>
#include <utility>

#include <sys/stat.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {

Result<ObjectId> Tree::identify(int at, const char* entry, const ObjectId& directory,
                                std::string_view name, Patience patience) {
    auto seen = identity_.sight(at, entry);
    if (!seen) return refused(seen.error());
    if (seen->is_certain) return seen->mark;
    if (seen->mark == root_mark_ && !seen->is_only_number) return root_id_;
    if (patience == Patience::none) return would_block;
    if (seen->mark == root_mark_ && !are_two(root(), at, entry)) return root_id_;
    auto known = known_by_one_name(*seen, at, entry);
    if (!known) return known.error();
    if (*known) {
        if (AssignedIds::is_assigned(**known))
            assigned_->arrived(**known, seen->witness, directory, name);
        return **std::move(known);
    }
    return assigned_->of(*seen, directory, name,
                         [&](const ObjectId& id) { return compare_held(id, *seen, at, entry); });
}

// Whether the kernel sees the entry as another object than the one that is open. If it does not
// tell, what the file system says has to do.
bool Tree::are_two(int object, int at, const char* entry) {
    const auto acting = act_as_server();
    if (!acting) return false;
    Descriptor there;
    if (*entry != '\0') {
        auto opened = open_entry(at, entry, Patience::ample);
        if (!opened) return false;
        there = std::move(*opened);
    }
    const auto answer = same_inode_(object, there ? there.number() : at);
    return answer && *answer == SameInode::Answer::different;
}

// An object that was seen when it had one name keeps the id from then. If several objects are
// possible, only the kernel knows which one it is: the names of a lower layer's file look alike
// until one of them is written.
Result<std::optional<ObjectId>> Tree::known_by_one_name(const Sighting& seen, int at,
                                                        const char* entry) {
    const std::optional<ObjectId> unknown;
    if (seen.mark_of_one_name.bytes().empty()) return unknown;
    auto id = assigned_->of_held(seen.mark_of_one_name);
    if (!id && identity_.is_id(seen.mark_of_one_name)) id = seen.mark_of_one_name;
    if (!id) return unknown;
    const Pin held = cache_.find(*id);
    if (!held && !locator_->directory_of(*id)) return unknown;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    Descriptor known;
    if (!held) {
        auto found = opening(Patience::ample, [&] { return locator_->open(*id); });
        if (!found && found.error() == stale) return unknown;
        if (!found) return found.error();
        known = std::move(*found);
    }
    Descriptor now;
    if (*entry != '\0') {
        auto opened = open_entry(at, entry, Patience::ample);
        if (!opened) return opened.error();
        now = std::move(*opened);
    }
    const auto answer = opening(Patience::ample, [&] {
        return same_inode_(now ? now.number() : at, held ? held->path() : known.number());
    });
    if (!answer) return answer.error();
    return *answer == SameInode::Answer::same ? id : unknown;
}

// If the held object is gone, it is another one. A user-space file system may give one object two
// marks during its life, as for a file with several names.
AssignedIds::Held Tree::compare_held(const ObjectId& id, const Sighting& seen, int at,
                                     const char* entry) {
    const Pin held = cache_.find(id);
    if (!held) return AssignedIds::Held::not_held;
    const auto of_held = status(held->path());
    const auto found = status(at, entry);
    const bool is_same = of_held && found && of_held->stx_ino == found->stx_ino &&
                         of_held->stx_dev_major == found->stx_dev_major &&
                         of_held->stx_dev_minor == found->stx_dev_minor &&
                         (of_held->stx_mode & S_IFMT) == (found->stx_mode & S_IFMT);
    if (is_same && !held->is_deleted())
        return seen.is_only_number && are_two(held->path(), at, entry) ? AssignedIds::Held::other
                                                                       : AssignedIds::Held::same;
    // The held object is of no use any more, even if it does not show that it is gone.
    cache_.erase(id);
    return AssignedIds::Held::other;
}

Result<ObjectId> Tree::identify_parent(int opened, const ObjectId& child) {
    auto seen = identity_.sight(opened);
    if (!seen) return refused(seen.error());
    if (seen->is_certain) return seen->mark;
    if (seen->mark == root_mark_ && !(seen->is_only_number && are_two(root(), opened, "")))
        return root_id_;
    if (const auto held = assigned_->of_held(seen->mark);
        held && compare_held(*held, *seen, opened, "") == AssignedIds::Held::same)
        return *held;
    if (auto directory = locator_->directory_of(child)) return *directory;
    return stale;
}

Result<bool> Tree::is_object(int opened, const ObjectId& id, const Place& place) {
    auto seen = identity_.sight(opened);
    if (!seen) return seen.error();
    if (seen->is_certain) return seen->mark == id;
    // It has got more names since it was seen there.
    if (seen->mark_of_one_name == id) return true;
    return assigned_->is(id, *seen, place.directory, place.name, [&](const ObjectId& held) {
        return compare_held(held, *seen, opened, "");
    });
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
    const Pin held = cache_.find(id);
    locator_->moved(id, held ? std::optional{held->way()} : std::nullopt, from, to);
}

}  // namespace berth::vfs::posix
