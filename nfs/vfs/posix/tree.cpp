#include "nfs/vfs/posix/tree.hpp"

#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include "nfs/vfs/posix/kernel_handles.hpp"
#include "nfs/vfs/posix/names_on_disk.hpp"
#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/remembered_names.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::uint64_t confined =
    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// A tree deeper than this is a loop, or somebody's joke.
constexpr int levels_max = 4096;

// Where names are kept. A journal that can't be used is added to `reason`.
std::unique_ptr<NameStore> open_names(const Options& options, std::string& reason) {
    if (!options.journal.empty()) {
        auto journal = NamesOnDisk::open(options.journal, options.names_in_journal_max);
        if (journal) return std::move(*journal);
        reason += "; the journal " + options.journal.string() + " can't be used: ";
        reason += journal.error() == std::errc::device_or_resource_busy
                      ? "another process uses it"
                      : std::make_error_code(journal.error()).message();
    }
    return std::make_unique<NamesInMemory>(options.names_in_memory_max);
}

Result<void> flush(int descriptor, Sync what) {
    return checked(what == Sync::data ? ::fdatasync(descriptor) : ::fsync(descriptor));
}

}  // namespace

Tree::Tree(Descriptor root, const Options& options, const Abilities& abilities,
           const ObjectIdentity& identity, const ObjectId& root_id)
    : root_(std::move(root)),
      identity_(identity),
      root_id_(root_id),
      abilities_(abilities),
      whereabouts_(root_.number()),
      server_uid_(::geteuid()),
      synchronize_(options.synchronize ? options.synchronize : flush),
      cache_(options.nodes_max) {}

Tree::~Tree() = default;

Result<std::unique_ptr<Tree>> Tree::make(Descriptor root, const Options& options) {
    auto identity = ObjectIdentity::of_tree(root.number());
    if (!identity) return identity.error();
    auto root_id = identity->identify(root.number());
    if (!root_id) return root_id.error();
    const auto abilities = find_abilities(root.number());
    std::unique_ptr<Tree> tree{new Tree{std::move(root), options, abilities, *identity, *root_id}};
    tree->choose_locator(options);
    return tree;
}

void Tree::choose_locator(const Options& options) {
    std::string reason = "as configured";
    if (options.kernel_handles && !identity_.can_be_opened()) {
        reason = "the file system has no handles that can be opened";
    } else if (options.kernel_handles) {
        auto possible = KernelHandles::try_out(root(), root_id_);
        if (possible) {
            has_kernel_handles_ = true;
            locator_ = std::make_unique<KernelHandles>(root());
            return;
        }
        reason = "opening handles: " + std::make_error_code(possible.error()).message();
    }
    auto open_step = [this](int directory, const char* name) {
        return open_entry(directory, name, Wait::yes);
    };
    auto store = open_names(options, reason);
    locator_ = std::make_unique<RememberedNames>(root(), root_id_, identity_, std::move(open_step),
                                                 std::move(store), std::move(reason));
}

std::string Tree::describe() const {
    std::string text = locator_->describe();
    if (!identity_.tells_reuse()) {
        text += "; the file system tells no time of birth, so a handle of a removed file may come "
                "to mean a new one that has got its inode number";
    }
    if (!abilities_.change_identity) {
        text += "; every caller acts as uid " + std::to_string(server_uid_);
    }
    if (!abilities_.kernel_access) {
        text += "; ACCESS goes by mode bits alone, since this kernel or sandbox lacks faccessat2";
    }
    return text;
}

Result<Acting> Tree::act_as(const Caller& caller) const {
    if (!abilities_.change_identity) return Acting{};
    return Acting::as(caller.identity, abilities_);
}

Result<Acting> Tree::act_as_server() const {
    if (!abilities_.change_identity) return Acting{};
    return Acting::as_server();
}

uid_t Tree::acting_uid(const Caller& caller) const noexcept {
    return abilities_.change_identity ? caller.identity.uid : server_uid_;
}

Result<Pin> Tree::adopt(Descriptor opened, Wait wait, std::optional<FileType> type) {
    auto id = identity_.identify(opened.number());
    if (!id) return id.error();
    return adopt(std::move(opened), *id, wait, type);
}

Result<Pin> Tree::adopt(Descriptor opened, const ObjectId& id, Wait wait,
                        std::optional<FileType> type, Node::Held held) {
    if (Pin known = cache_.find(id)) return known;
    if (!type) {
        auto found = status(opened.number());
        if (!found) return found.error();
        type = to_file_type(found->stx_mode);
    }
    Pin node = cache_.insert(Pin{new Node{*this, id, std::move(opened), *type, held}}, wait);
    if (!node) return would_block;
    return node;
}

Result<Pin> Tree::find(const ObjectId& id, Wait wait) {
    if (Pin known = cache_.find(id)) {
        auto left = has_left(*known);
        if (!left) return left.error();
        if (!*left) return known;
        cache_.erase(id);
        return stale;
    }
    if (!identity_.is_id(id)) return std::errc::invalid_argument;
    if (wait == Wait::no) return would_block;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    auto opened = locator_->open(id);
    if (!opened) return opened.error();
    auto found = status(opened->number());
    if (!found) return found.error();
    // The kernel opens handles of deleted objects as long as somebody else has them open.
    if (found->stx_nlink == 0) return stale;
    const auto type = to_file_type(found->stx_mode);
    if (type == FileType::directory) {
        auto inside = is_inside(opened->number());
        if (!inside) return inside.error();
        if (!*inside) return stale;
    } else if (whereabouts_.is_outside(opened->number())) {
        return stale;
    }
    return adopt(std::move(*opened), id, wait, type);
}

// Asked for once a second at most: it costs as much as a call.
Result<bool> Tree::has_left(Node& node) const {
    if (!whereabouts_.matters() || !node.is_due_for_a_look()) return false;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    return whereabouts_.is_outside(node.path());
}

Result<Descriptor> Tree::open_entry(int directory, const char* name, Wait wait) const {
    constexpr int flags = O_PATH | O_NOFOLLOW;
    if (wait == Wait::no && !abilities_.cached_lookup) return would_block;
    if (!abilities_.confined_open) {
        // A name without '/' leads to the directory's own entry, and identify() refuses other
        // mounts.
        if (std::string_view{name} == "..") return std::errc::permission_denied;
        return open_at(directory, name, flags);
    }
    auto opened =
        open_beneath(directory, name, flags, confined | (wait == Wait::no ? RESOLVE_CACHED : 0));
    if (!opened && opened.error() == std::errc::cross_device_link) {
        return std::errc::permission_denied;
    }
    return opened;
}

Result<Descriptor> Tree::open_parent(int directory) const {
    auto opened = open_at(directory, "..", O_PATH | O_DIRECTORY);
    if (!opened) return opened;
    auto inside = is_inside(opened->number());
    if (!inside) return inside.error();
    if (!*inside) return stale;
    return opened;
}

// Whether the way up leads through the root. It ends there, or where a directory is its own parent.
Result<bool> Tree::is_inside(int directory) const {
    auto at = identity_.identify(directory);
    Descriptor climber;
    for (int level = 0; level < levels_max; ++level) {
        if (!at) {
            // Above the mount point: another file system.
            if (at.error() == std::errc::permission_denied) return false;
            return at.error();
        }
        if (*at == root_id_) return true;
        auto above = open_at(climber ? climber.number() : directory, "..", O_PATH | O_DIRECTORY);
        if (!above) return above.error();
        climber = std::move(*above);
        auto next = identity_.identify(climber.number());
        if (next && *next == *at) return false;
        at = next;
    }
    return std::errc::too_many_symbolic_link_levels;
}

void Tree::unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    locator_->unlinked(id, directory, name);
    const Pin node = cache_.find(id);
    if (node && node->is_deleted()) cache_.erase(id);
}

Result<void> Tree::synchronize(int descriptor, Sync what) {
    return noting_loss(synchronize_(descriptor, what));
}

Result<void> Tree::synchronize_everything() {
    return noting_loss(checked(::syncfs(root())));
}

Result<void> Tree::noting_loss(Result<void> outcome) {
    // Some file systems have nothing to write out, and say so of a directory.
    if (!outcome && outcome.error() == std::errc::invalid_argument) return {};
    if (!outcome) losses_.fetch_add(1);
    return outcome;
}

}  // namespace berth::vfs::posix
