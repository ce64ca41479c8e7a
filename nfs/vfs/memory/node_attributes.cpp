// What an object is, and changing it.
#include <mutex>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

/// In a chown, as in chown(2): leave alone.
constexpr std::uint32_t no_id = 0xFFFFFFFF;

bool wants_owner(const NewAttributes& wanted) {
    return wanted.uid.value_or(no_id) != no_id;
}
bool wants_group(const NewAttributes& wanted) {
    return wanted.gid.value_or(no_id) != no_id;
}

bool names_a_time(const std::optional<NewTime>& time) {
    return time && time->value;
}

}  // namespace

ObjectId Node::id() const {
    return volume_.name(inode_.fileid);
}

Result<Attributes> Node::attributes(Wait) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return attributes_of(inode_);
}

Result<std::uint8_t> Node::access(const Caller& caller, std::uint8_t permissions) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return static_cast<std::uint8_t>(permissions & permitted(caller.identity, inode_));
}

Result<void> Node::set_attributes(const Caller& caller, const NewAttributes& wanted) {
    const std::unique_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    if (auto allowed = check_attributes(caller.identity, wanted); !allowed) return allowed;
    apply_attributes(caller.identity, wanted, volume_.now());
    return {};
}

Result<void> Node::check_size(const Identity& who, std::uint64_t size) const {
    if (is_directory()) return std::errc::is_a_directory;
    if (inode_.type != FileType::regular) return std::errc::invalid_argument;
    if (size > volume_.limits().file_bytes_max) return std::errc::file_too_large;
    if (!may_write_contents(who, inode_)) return std::errc::permission_denied;
    return {};
}

bool Node::may_give_to(const Identity& who, const NewAttributes& wanted) const {
    if (is_root(who) || (!wants_owner(wanted) && !wants_group(wanted))) return true;
    if (who.uid != inode_.uid) return false;
    if (wants_owner(wanted) && *wanted.uid != inode_.uid) return false;
    return !wants_group(wanted) || *wanted.gid == inode_.gid || is_in_group(who, *wanted.gid);
}

Result<void> Node::check_attributes(const Identity& who, const NewAttributes& wanted) const {
    if (wanted.size) {
        if (auto allowed = check_size(who, *wanted.size); !allowed) return allowed;
    }
    if (!may_give_to(who, wanted)) return std::errc::operation_not_permitted;
    if (is_owner_or_root(who, inode_)) return {};

    if (wanted.mode && inode_.type != FileType::symbolic_link)
        return std::errc::operation_not_permitted;
    if (names_a_time(wanted.accessed) || names_a_time(wanted.modified)) {
        return std::errc::operation_not_permitted;
    }
    if ((wanted.accessed || wanted.modified) && !may(who, inode_, may_write)) {
        return std::errc::permission_denied;
    }
    return {};
}

void Node::apply_attributes(const Identity& who, const NewAttributes& wanted, Time now) {
    if (wanted.size) {
        std::get<Contents>(inode_.body).resize(*wanted.size, volume_.bytes());
        inode_.mode = mode_after_write(who, inode_);
        stamp_modified(inode_, now);
    }
    if (wants_owner(wanted) || wants_group(wanted)) {
        inode_.mode = mode_after_chown(who, inode_);
        if (wants_owner(wanted)) inode_.uid = *wanted.uid;
        if (wants_group(wanted)) inode_.gid = *wanted.gid;
        stamp_changed(inode_, now);
    }
    if (wanted.mode && inode_.type != FileType::symbolic_link) {
        inode_.mode = allowed_mode(who, *wanted.mode, inode_.gid);
        stamp_changed(inode_, now);
    }
    if (wanted.accessed) inode_.accessed = wanted.accessed->value.value_or(now);
    if (wanted.modified) inode_.modified = wanted.modified->value.value_or(now);
    if (wanted.accessed || wanted.modified) stamp_changed(inode_, now);
}

}  // namespace berth::vfs::memory
