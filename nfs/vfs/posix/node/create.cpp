// Creates new objects.
#include <ctime>
#include <functional>
#include <tuple>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/system/exclusive.hpp"
#include "nfs/vfs/posix/system/making.hpp"
#include "nfs/vfs/posix/system/new_attributes.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

// For requests without a mode, and for exclusively created files until the client sets one.
constexpr mode_t mode_unasked = 0600;
constexpr mode_t directory_mode_unasked = 0700;
constexpr mode_t set_id_bits = S_ISUID | S_ISGID;

// The attributes still to be set once the object was made with its mode.
NewAttributes rest_of(NewAttributes attributes, FileType type) {
    // Making a directory ignores these bits, and a change of owner or size clears them.
    const bool lost =
        type == FileType::directory || attributes.uid || attributes.gid || attributes.size;
    if (!lost || (attributes.mode.value_or(0) & set_id_bits) == 0) attributes.mode.reset();
    if (type != FileType::regular || attributes.size == 0U) attributes.size.reset();
    return attributes;
}

Result<mode_t> type_bits(FileType type) {
    switch (type) {
    case FileType::block_device: return S_IFBLK;
    case FileType::character_device: return S_IFCHR;
    case FileType::socket: return S_IFSOCK;
    case FileType::fifo: return S_IFIFO;
    default: return std::errc::invalid_argument;
    }
}

// Checked before anything is made. Owners that the caller may not set are left out later.
Result<void> check_new(NewAttributes wanted, FileType type) {
    wanted.uid.reset();
    wanted.gid.reset();
    return check_values(wanted, type);
}

}  // namespace

Result<NodePtr> Node::create(const Caller& caller, std::string_view name, const NewFile& file) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const bool exclusive = file.mode == CreateMode::exclusive;
    const mode_t mode = exclusive ? mode_unasked : file.attributes.mode.value_or(mode_unasked);
    const Completion completion{
        .type = FileType::regular,
        .attributes = exclusive ? NewAttributes{} : rest_of(file.attributes, FileType::regular),
        .verifier = exclusive ? &file.verifier : nullptr};
    if (auto valid = check_new(completion.attributes, FileType::regular); !valid) {
        return valid.error();
    }

    // An existing file may be removed before it is examined, and exist again the next time.
    constexpr int tries_max = 4;
    for (int tries = 0; tries < tries_max; ++tries) {
        auto made = tree_.opening(caller.patience,
                                  [&] { return make_file(at->name, mode & 07777U, completion); });
        if (made) return adopt_new(at->name, std::move(*made), FileType::regular);
        if (made.error() != std::errc::file_exists) return reason(made.error());
        auto existing = take_existing(caller, at->name, file);
        if (existing || existing.error() != std::errc::no_such_file_or_directory) return existing;
    }
    return std::errc::file_exists;
}

// A file that needs nothing more after creation gets its name at once: the quickest way.
Result<Descriptor> Node::make_file(const EntryName& name, mode_t mode,
                                   const Completion& completion) const {
    if (!completion.is_needed()) {
        return open_at(path_.number(), name.text(),
                       O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_NOCTTY, mode);
    }
    const auto there = status(path_.number(), name.text());
    if (there) return std::errc::file_exists;
    if (there.error() != std::errc::no_such_file_or_directory) return there.error();
    return make_file_complete(path_.number(), name.text(), mode, completion);
}

Result<NodePtr> Node::take_existing(const Caller& caller, const EntryName& name,
                                    const NewFile& file) {
    if (file.mode == CreateMode::guarded || name.is_dot() || name.is_dot_dot()) {
        return std::errc::file_exists;
    }
    auto node = look_up(name, caller.patience);
    if (!node) return node.error();
    struct statx status;
    if (!(*node)->alive(status)) return std::errc::no_such_file_or_directory;
    if (!S_ISREG(status.stx_mode)) {
        if (file.mode == CreateMode::unchecked) return NodePtr{std::move(*node)};
        return std::errc::file_exists;
    }
    if (file.mode == CreateMode::exclusive) {
        // Below FUSE any user may own new files.
        const bool is_callers =
            status.stx_uid == tree_.acting_uid(caller) || tree_.abilities().remote;
        const bool same = status.stx_size == 0 && is_callers &&
                          holds_verifier(to_attributes(status), file.verifier);
        if (!same) return std::errc::file_exists;
    } else if (file.attributes.size) {
        auto set = (*node)->set_attributes(caller, {.size = file.attributes.size}, nullptr);
        if (!set) return set.error();
    }
    return NodePtr{std::move(*node)};
}

Result<NodePtr> Node::make_directory(const Caller& caller, std::string_view name,
                                     const NewAttributes& attributes) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const mode_t mode = attributes.mode.value_or(directory_mode_unasked) & 07777U;
    return make_unopened(caller, at->name, FileType::directory, attributes,
                         [&](const char* entry) { return ::mkdirat(path_.number(), entry, mode); });
}

Result<NodePtr> Node::make_symbolic_link(const Caller& caller, std::string_view name,
                                         std::string_view target, const NewAttributes& attributes) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    if (target.find('\0') != target.npos) return std::errc::invalid_argument;
    if (target.empty()) return reason(std::errc::no_such_file_or_directory);
    const std::string text{target};
    auto wanted = attributes;
    wanted.mode.reset();
    wanted.size.reset();
    return make_unopened(caller, at->name, FileType::symbolic_link, wanted, [&](const char* entry) {
        return ::symlinkat(text.c_str(), path_.number(), entry);
    });
}

Result<NodePtr> Node::make_special(const Caller& caller, std::string_view name,
                                   const SpecialFile& special) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const auto type = type_bits(special.type);
    if (!type) return type.error();
    const mode_t mode = special.attributes.mode.value_or(mode_unasked) & 07777U;
    const dev_t device = ::makedev(special.device.major, special.device.minor);
    return make_unopened(
        caller, at->name, special.type, special.attributes,
        [&](const char* entry) { return ::mknodat(path_.number(), entry, *type | mode, device); });
}

// The kernel makes these without opening them, so the name is looked up again.
Result<NodePtr> Node::make_unopened(const Caller& caller, const EntryName& name, FileType type,
                                    const NewAttributes& attributes,
                                    const std::function<int(const char* name)>& make) {
    const Completion completion{
        .type = type, .attributes = rest_of(attributes, type), .verifier = nullptr};
    if (auto valid = check_new(completion.attributes, type); !valid) return valid.error();
    const MakeAt make_and_open = [&](const char* entry) -> Result<Descriptor> {
        timespec before{};
        ::clock_gettime(CLOCK_REALTIME_COARSE, &before);
        if (make(entry) != 0) return last_error();
        auto opened = tree_.open_entry(path_.number(), entry, Patience::ample);
        if (!opened) undo_unopened(caller, entry, type, before);
        return opened;
    };
    if (completion.is_needed()) {
        if (status(path_.number(), name.text())) return std::errc::file_exists;
        auto made = make_complete(path_.number(), name.text(), completion, make_and_open);
        if (!made) return reason(made.error());
        return adopt_new(name, std::move(*made), type);
    }
    auto made = make_and_open(name.text());
    if (!made) return reason(made.error());
    const auto found = status(made->number());
    // Another process was quicker; what happened to our object can't be told.
    if (!found || to_file_type(found->stx_mode) != type) return std::errc::file_exists;
    return adopt_new(name, std::move(*made), type);
}

// A client that is told that an object was not made must not find it. This object could not be
// opened, so only the properties of any such object, and its age, identify it.
void Node::undo_unopened(const Caller& caller, const char* name, FileType type,
                         const timespec& before) const {
    const auto made = status(path_.number(), name);
    if (!made || to_file_type(made->stx_mode) != type ||
        made->stx_uid != tree_.acting_uid(caller) || (made->stx_mask & STATX_BTIME) == 0) {
        return;
    }
    const auto& birth = made->stx_btime;
    if (birth.tv_sec < before.tv_sec ||
        (birth.tv_sec == before.tv_sec && static_cast<long>(birth.tv_nsec) < before.tv_nsec)) {
        return;
    }
    undo(name, type, *made);
}

void Node::undo(const char* name, FileType type, const struct statx& made) const {
    remove_if(path_.number(), name, removal_flags(type), [&](const char* entry) {
        const auto found = status(path_.number(), entry);
        return found && is_same_object(*found, made);
    });
}

Result<NodePtr> Node::adopt_new(const EntryName& name, Descriptor made, FileType type) {
    auto id = tree_.identify(made.number(), "", id_, name.text(), Patience::ample);
    if (!id) {
        if (const auto ours = status(made.number())) undo(name.text(), type, *ours);
        return id.error();
    }
    // Creating a regular file also opens it; everything else is opened afterwards.
    const auto held = type == FileType::regular ? Held::readable_writable : Held::object;
    auto node =
        tree_.adopt(std::move(made), *id, Patience::ample, type, held, tree_.way_through(id_, *id));
    if (!node) {
        remove_if(path_.number(), name.text(), removal_flags(type), [&](const char* entry) {
            const auto found =
                tree_.identify(path_.number(), entry, id_, name.text(), Patience::ample);
            return found && *found == *id;
        });
        return node.error();
    }
    std::ignore = tree_.locator().seen(*id, id_, name.text(), Patience::ample);
    return NodePtr{std::move(*node)};
}

}  // namespace berth::vfs::posix
