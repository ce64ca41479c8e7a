// Making new objects.
#include <tuple>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "nfs/vfs/posix/exclusive.hpp"
#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

// For those who ask for no mode, and for exclusively created files until the client says.
constexpr mode_t mode_unasked = 0600;
constexpr mode_t directory_mode_unasked = 0700;
constexpr mode_t set_id_bits = S_ISUID | S_ISGID;

// What is left to do once the object was made with its mode.
NewAttributes rest_of(NewAttributes attributes, FileType type) {
    // Making a directory ignores these bits, and a change of owner or size clears them.
    const bool lost =
        type == FileType::directory || attributes.uid || attributes.gid || attributes.size;
    if (!lost || (attributes.mode.value_or(0) & set_id_bits) == 0) attributes.mode.reset();
    if (type != FileType::regular || attributes.size == 0U) attributes.size.reset();
    return attributes;
}

bool is_anything(const NewAttributes& wanted) {
    return wanted.mode || wanted.uid || wanted.gid || wanted.size || wanted.accessed ||
           wanted.modified;
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

// Some clients send their idea of owner and group with every new object. What the caller may not
// give is left out; whatever else goes wrong is found again with the rest. One by one, because the
// kernel refuses both for either.
void give_away(vfs::Node& made, const Caller& caller, NewAttributes& wanted) {
    const auto is_settled = [](const Result<void>& given) {
        return given || given.error() == std::errc::operation_not_permitted ||
               given.error() == std::errc::invalid_argument;
    };
    if (wanted.uid && is_settled(made.set_attributes(caller, {.uid = wanted.uid}))) {
        wanted.uid.reset();
    }
    if (wanted.gid && is_settled(made.set_attributes(caller, {.gid = wanted.gid}))) {
        wanted.gid.reset();
    }
}

}  // namespace

Result<NodePtr> Node::create(const Caller& caller, std::string_view name, const NewFile& file) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const bool exclusive = file.mode == CreateMode::exclusive;
    const mode_t mode = exclusive ? mode_unasked : file.attributes.mode.value_or(mode_unasked);

    // An existing file may be removed before it is looked at, and be there again the time after.
    constexpr int tries_max = 4;
    for (int tries = 0; tries < tries_max; ++tries) {
        auto made = open_at(path_.number(), at->name.text(),
                            O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_NOCTTY, mode & 07777U);
        if (made) {
            auto node = finish_created(caller, at->name, file, std::move(*made));
            return node ? node : undo(caller, at->name, 0, node.error());
        }
        if (made.error() != std::errc::file_exists) return reason(made.error());
        auto existing = take_existing(caller, at->name, file);
        if (existing || existing.error() != std::errc::no_such_file_or_directory) return existing;
    }
    return std::errc::file_exists;
}

Result<NodePtr> Node::take_existing(const Caller& caller, const EntryName& name,
                                    const NewFile& file) {
    if (file.mode == CreateMode::guarded || name.is_dot() || name.is_dot_dot()) {
        return std::errc::file_exists;
    }
    auto node = look_up(name, caller.wait);
    if (!node) return node.error();
    auto status = (*node)->alive();
    if (!status) return std::errc::no_such_file_or_directory;
    if (!S_ISREG(status->stx_mode)) {
        if (file.mode == CreateMode::unchecked) return NodePtr{std::move(*node)};
        return std::errc::file_exists;
    }
    if (file.mode == CreateMode::exclusive) {
        const bool same = status->stx_size == 0 && status->stx_uid == tree_.acting_uid(caller) &&
                          holds_verifier(to_attributes(*status), file.verifier);
        if (!same) return std::errc::file_exists;
    } else if (file.attributes.size) {
        auto set = (*node)->set_attributes(caller, {.size = file.attributes.size}, nullptr);
        if (!set) return set.error();
    }
    return NodePtr{std::move(*node)};
}

Result<NodePtr> Node::finish_created(const Caller& caller, const EntryName& name,
                                     const NewFile& file, Descriptor made) {
    if (file.mode != CreateMode::exclusive) {
        const auto rest = rest_of(file.attributes, FileType::regular);
        return adopt_new(caller, name, std::move(made), FileType::regular, rest);
    }
    auto kept = change_times(made.number(), to_times(file.verifier));
    if (!kept) return kept.error();
    return adopt_new(caller, name, std::move(made), FileType::regular, {});
}

Result<NodePtr> Node::make_directory(const Caller& caller, std::string_view name,
                                     const NewAttributes& attributes) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const mode_t mode = attributes.mode.value_or(directory_mode_unasked) & 07777U;
    if (::mkdirat(path_.number(), at->name.text(), mode) != 0) return reason(last_error());
    return find_new(caller, at->name, FileType::directory,
                    rest_of(attributes, FileType::directory));
}

Result<NodePtr> Node::make_symbolic_link(const Caller& caller, std::string_view name,
                                         std::string_view target, const NewAttributes& attributes) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    if (target.find('\0') != target.npos) return std::errc::invalid_argument;
    const std::string text{target};
    if (::symlinkat(text.c_str(), path_.number(), at->name.text()) != 0) {
        return reason(last_error());
    }
    auto rest = attributes;
    rest.mode.reset();
    rest.size.reset();
    return find_new(caller, at->name, FileType::symbolic_link, rest);
}

Result<NodePtr> Node::make_special(const Caller& caller, std::string_view name,
                                   const SpecialFile& special) {
    const auto at = entry_to_change(caller, name);
    if (!at) return at.error();
    const auto type = type_bits(special.type);
    if (!type) return type.error();
    const mode_t mode = special.attributes.mode.value_or(mode_unasked) & 07777U;
    const dev_t device = ::makedev(special.device.major, special.device.minor);
    if (::mknodat(path_.number(), at->name.text(), *type | mode, device) != 0) {
        return reason(last_error());
    }
    return find_new(caller, at->name, special.type, rest_of(special.attributes, special.type));
}

// The kernel makes these without opening them, so the name is looked up again.
Result<NodePtr> Node::find_new(const Caller& caller, const EntryName& name, FileType type,
                               const NewAttributes& rest) {
    const int how_removed = type == FileType::directory ? AT_REMOVEDIR : 0;
    auto opened = tree_.open_entry(path_.number(), name.text(), Wait::yes);
    if (!opened) return undo(caller, name, how_removed, opened.error());
    auto found = status(opened->number());
    // Somebody was quicker; there is no telling what became of ours.
    if (!found || to_file_type(found->stx_mode) != type) return std::errc::file_exists;
    auto node = adopt_new(caller, name, std::move(*opened), type, rest);
    return node ? node : undo(caller, name, how_removed, node.error());
}

// An object that its maker is told was not made must not be there.
std::errc Node::undo(const Caller& caller, const EntryName& name, int how_removed,
                     std::errc error) {
    static_cast<void>(unlink(caller, name.text(), how_removed));
    return error;
}

Result<NodePtr> Node::adopt_new(const Caller& caller, const EntryName& name, Descriptor made,
                                FileType type, const NewAttributes& rest) {
    auto id = tree_.identify(made.number(), "", id_, name.text(), Wait::yes);
    if (!id) return id.error();
    // A regular file is opened by being created, everything else afterwards.
    const auto held = type == FileType::regular ? Held::readable_writable : Held::object;
    auto node =
        tree_.adopt(std::move(made), *id, Wait::yes, type, held, tree_.way_through(id_, *id));
    if (!node) return node.error();
    std::ignore = tree_.locator().seen(*id, id_, name.text(), Wait::yes);
    if (is_anything(rest)) {
        auto wanted = rest;
        give_away(**node, caller, wanted);
        if (wanted.mode && type == FileType::directory) {
            // Inherited from this directory, whatever the client asked for.
            auto status = (*node)->alive();
            if (status) *wanted.mode |= status->stx_mode & unsigned{S_ISGID};
            // A caller outside the inherited group would lose the bit by setting it once more.
            if (status && *wanted.mode == (status->stx_mode & 07777U)) wanted.mode.reset();
        }
        if (auto set = (*node)->set_attributes(caller, wanted, nullptr); !set) return set.error();
    }
    return NodePtr{std::move(*node)};
}

}  // namespace berth::vfs::posix
