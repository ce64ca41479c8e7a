// The attributes of an object, and changing them.
#include <mutex>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

bool is_given(const std::optional<NewTime>& time) {
    return time && time->value;
}

bool is_time(const std::optional<NewTime>& time) {
    constexpr std::uint32_t nanoseconds_end = 1'000'000'000;
    return !is_given(time) || time->value->nanoseconds < nanoseconds_end;
}

}  // namespace

ObjectId Node::id() const {
    return volume_.name(inode_.fileid);
}

Result<Attributes> Node::attributes(Patience) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return attributes_of(inode_);
}

Result<std::uint8_t> Node::access(const Caller& caller, std::uint8_t permissions,
                                  const Attributes* /*seen*/) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return static_cast<std::uint8_t>(permissions & permitted(caller.identity, inode_));
}

Result<void> Node::set_attributes(const Caller& caller, const NewAttributes& wanted,
                                  const Attributes* /*seen*/) {
    const std::unique_lock guard{volume_.lock()};
    if (auto valid = check_values(inode_.type, wanted); !valid) return valid;
    if (is_gone()) return stale;
    if (auto allowed = check_attributes(caller.identity, wanted); !allowed) return allowed;
    apply_attributes(caller.identity, wanted, volume_.now());
    return {};
}

Result<void> Node::check_values(FileType type, const NewAttributes& wanted) {
    if (wanted.size) {
        if (type == FileType::directory) return std::errc::is_a_directory;
        if (type != FileType::regular) return std::errc::invalid_argument;
        if (*wanted.size > Volume::file_bytes_max) return std::errc::file_too_large;
    }
    if (wanted.uid == no_id || wanted.gid == no_id) return std::errc::invalid_argument;
    if (!is_time(wanted.accessed) || !is_time(wanted.modified)) return std::errc::invalid_argument;
    return {};
}

bool Node::may_give_to(const Identity& who, const NewAttributes& wanted) const {
    if (is_root(who) || (!wanted.uid && !wanted.gid)) return true;
    if (who.uid != inode_.uid) return false;
    if (wanted.uid && *wanted.uid != inode_.uid) return false;
    return !wanted.gid || *wanted.gid == inode_.gid || is_in_group(who, *wanted.gid);
}

Result<void> Node::check_attributes(const Identity& who, const NewAttributes& wanted) const {
    if (!may_give_to(who, wanted)) return std::errc::operation_not_permitted;
    if (is_owner_or_root(who, inode_)) return {};

    const bool changes_mode = wanted.mode && inode_.type != FileType::symbolic_link;
    if (changes_mode || is_given(wanted.accessed) || is_given(wanted.modified)) {
        return std::errc::operation_not_permitted;
    }
    const bool writes = wanted.size || wanted.accessed || wanted.modified;
    if (writes && !may(who, inode_, may_write)) return std::errc::permission_denied;
    return {};
}

void Node::apply_attributes(const Identity& who, const NewAttributes& wanted, Time now) {
    if (wanted.size) {
        std::get<Contents>(inode_.body).resize(*wanted.size, volume_.bytes());
        inode_.mode = mode_after_write(who, inode_);
        stamp_modified(inode_, now);
    }
    if (wanted.uid || wanted.gid) {
        inode_.mode = mode_after_chown(who, inode_);
        inode_.uid = wanted.uid.value_or(inode_.uid);
        inode_.gid = wanted.gid.value_or(inode_.gid);
        stamp_changed(inode_, now);
    }
    if (wanted.mode && inode_.type != FileType::symbolic_link) {
        inode_.mode = allowed_mode(who, *wanted.mode, inode_.gid);
        stamp_changed(inode_, now);
    }
    if (wanted.accessed) inode_.accessed = wanted.accessed->value.value_or(now);
    if (wanted.modified) inode_.modified = wanted.modified->value.value_or(now);
    if (wanted.accessed || wanted.modified) stamp_changed(inode_, now);
    if (wanted.size || wanted.accessed || wanted.modified) inode_.verifier.reset();
}

Result<Space> Node::space(const Caller&) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return Space{
        .total_bytes = volume_.bytes().total(),
        .free_bytes = volume_.bytes().left(),
        .available_bytes = volume_.bytes().left(),
        .total_files = volume_.files().total(),
        .free_files = volume_.files().left(),
        .available_files = volume_.files().left(),
    };
}

Result<Limits> Node::limits(const Caller&) {
    const std::shared_lock guard{volume_.lock()};
    if (is_gone()) return stale;
    return volume_.limits();
}

}  // namespace berth::vfs::memory
