// Creates new entries.
#include <climits>
#include <mutex>
#include <utility>

#include <sys/stat.h>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

constexpr std::uint32_t link_mode = 0777;
constexpr std::uint32_t mode_unasked = 0600;
constexpr std::uint32_t directory_mode_unasked = 0700;
constexpr std::size_t target_bytes_max = PATH_MAX - 1;

/// The subset of the wanted attributes that the caller may set and that an object of this type has.
NewAttributes applicable(const Identity& who, FileType type, NewAttributes wanted) {
    if (wanted.uid == no_id || (!is_root(who) && wanted.uid != who.uid)) wanted.uid.reset();
    const bool gives_group =
        wanted.gid && *wanted.gid != no_id && (is_root(who) || is_in_group(who, *wanted.gid));
    if (!gives_group) wanted.gid.reset();
    if (type != FileType::regular) wanted.size.reset();
    if (!wanted.mode) {
        wanted.mode = type == FileType::directory ? directory_mode_unasked : mode_unasked;
    }
    return wanted;
}

/// Whether symlink(2) would accept this text.
Result<void> check_target(std::string_view target) {
    if (target.find('\0') != target.npos) return std::errc::invalid_argument;
    if (target.empty()) return std::errc::no_such_file_or_directory;
    if (target.size() > target_bytes_max) return std::errc::filename_too_long;
    return {};
}

}  // namespace

Result<void> Node::check_free(const Identity& who, std::string_view name) {
    const auto found = resolve(who, name);
    if (found) return std::errc::file_exists;
    if (found.error() != std::errc::no_such_file_or_directory) return found.error();
    return {};
}

Result<void> Node::check_new(const Identity& who, std::string_view name) {
    if (auto free = check_free(who, name); !free) return free;
    if (!may(who, inode_, may_write)) return std::errc::permission_denied;
    return {};
}

Result<NodePtr> Node::add_new(const Identity& who, std::string_view name, Inode inode,
                              NewAttributes wanted) {
    wanted = applicable(who, inode.type, wanted);
    if (auto valid = check_values(inode.type, wanted); !valid) return valid.error();
    const bool directory = inode.type == FileType::directory;
    if (directory && inode_.links >= volume_.limits().links_max) return std::errc::too_many_links;

    const bool inherits_group = (inode_.mode & S_ISGID) != 0;
    const auto now = volume_.now();
    inode.uid = who.uid;
    inode.gid = inherits_group ? inode_.gid : who.gid;
    inode.links = directory ? 2 : 1;
    inode.accessed = now;
    stamp_modified(inode, now);
    auto* made = volume_.add(std::move(inode));
    if (made == nullptr) return std::errc::no_space_on_device;

    try {
        made->inode_.named = {inode_.fileid, entries().add(name, made)};
    } catch (...) {
        Remains remains;
        volume_.bury(*made, remains);
        throw;
    }
    made->apply_attributes(who, wanted, now);
    if (directory) {
        if (inherits_group) made->inode_.mode |= S_ISGID;
        ++inode_.links;
    }
    stamp_modified(inode_, now);
    return NodePtr{made};
}

Result<NodePtr> Node::take_existing(const Identity& who, const NewFile& file) {
    if (inode_.type != FileType::regular) {
        if (file.mode == CreateMode::unchecked) return NodePtr{this};
        return std::errc::file_exists;
    }
    if (file.mode == CreateMode::exclusive) {
        const bool same = inode_.uid == who.uid && inode_.verifier == file.verifier;
        if (!same) return std::errc::file_exists;
    } else if (file.attributes.size) {
        const NewAttributes wanted{.size = file.attributes.size};
        if (auto valid = check_values(inode_.type, wanted); !valid) return valid.error();
        if (auto allowed = check_attributes(who, wanted); !allowed) return allowed.error();
        apply_attributes(who, wanted, volume_.now());
    }
    return NodePtr{this};
}

Result<NodePtr> Node::create(const Caller& caller, std::string_view name, const NewFile& file) {
    const auto& who = caller.identity;
    const std::unique_lock guard{volume_.lock()};
    if (auto allowed = check_new(who, name); !allowed) {
        const bool exists = allowed.error() == std::errc::file_exists;
        const bool is_dots = name == "." || name == "..";
        if (!exists || is_dots || file.mode == CreateMode::guarded) return allowed.error();
        const auto there = resolve(who, name);
        return (*there)->take_existing(who, file);
    }
    Inode inode{.type = FileType::regular, .body = Contents{}};
    if (file.mode != CreateMode::exclusive) {
        return add_new(who, name, std::move(inode), file.attributes);
    }
    inode.verifier = file.verifier;
    return add_new(who, name, std::move(inode), {});
}

Result<NodePtr> Node::make_directory(const Caller& caller, std::string_view name,
                                     const NewAttributes& attributes) {
    const std::unique_lock guard{volume_.lock()};
    if (auto allowed = check_new(caller.identity, name); !allowed) return allowed.error();
    Inode inode{.type = FileType::directory, .body = Directory{this}};
    return add_new(caller.identity, name, std::move(inode), attributes);
}

Result<NodePtr> Node::make_symbolic_link(const Caller& caller, std::string_view name,
                                         std::string_view target, const NewAttributes& attributes) {
    const std::unique_lock guard{volume_.lock()};
    if (auto valid = check_name(name); !valid) return valid.error();
    if (is_gone()) return stale;
    if (auto valid = check_target(target); !valid) return valid.error();
    if (auto allowed = check_new(caller.identity, name); !allowed) return allowed.error();
    Inode inode{
        .type = FileType::symbolic_link, .mode = link_mode, .body = Target{std::string{target}}};
    return add_new(caller.identity, name, std::move(inode), attributes);
}

Result<NodePtr> Node::make_special(const Caller& caller, std::string_view name,
                                   const SpecialFile& special) {
    const bool device =
        special.type == FileType::block_device || special.type == FileType::character_device;
    if (!device && special.type != FileType::fifo && special.type != FileType::socket) {
        return std::errc::invalid_argument;
    }
    const std::unique_lock guard{volume_.lock()};
    if (auto allowed = check_new(caller.identity, name); !allowed) return allowed.error();
    if (device && !is_root(caller.identity)) return std::errc::operation_not_permitted;
    Inode inode{.type = special.type, .device = device ? special.device : DeviceNumber{}};
    return add_new(caller.identity, name, std::move(inode), special.attributes);
}

Result<void> Node::link(const Caller& caller, std::string_view name, Node& object) {
    const auto& who = caller.identity;
    auto& inode = object.inode_;

    const std::unique_lock guard{volume_.lock()};
    if (auto valid = check_name(name); !valid) return valid;
    if (auto allowed = check_free(who, name); !allowed) return allowed;
    if (volume_.protects_hard_links() && !may_link(who, inode))
        return std::errc::operation_not_permitted;
    if (!may(who, inode_, may_write)) return std::errc::permission_denied;
    if (object.is_gone()) return stale;
    if (object.is_directory()) return std::errc::operation_not_permitted;
    if (inode.links >= volume_.limits().links_max) return std::errc::too_many_links;

    const auto now = volume_.now();
    object.inode_.named = {inode_.fileid, entries().add(name, &object)};
    ++inode.links;
    stamp_changed(inode, now);
    stamp_modified(inode_, now);
    return {};
}

}  // namespace berth::vfs::memory
