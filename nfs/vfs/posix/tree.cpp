#include "nfs/vfs/posix/tree.hpp"

#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix/kernel_handles.hpp"
#include "nfs/vfs/posix/names/journal.hpp"
#include "nfs/vfs/posix/names/remembered.hpp"
#include "nfs/vfs/posix/node/node.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::uint64_t confined =
    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// The store for names. If a journal can't be used, `reason` gets that added.
std::unique_ptr<NameStore> open_names(const Options& options, std::string& reason) {
    if (options.journal) {
        auto names = options.journal->names_of(options.name_in_journal);
        if (names) return std::move(*names);
        reason += "; the journal " + options.journal->directory().string() + " can't be used: ";
        reason += names.error() == std::errc::device_or_resource_busy
                      ? "another process uses it"
                      : std::make_error_code(names.error()).message();
    }
    return std::make_unique<NamesInMemory>(options.names_in_memory_max);
}

Result<void> flush(int descriptor, Sync what) {
    return checked(what == Sync::data ? ::fdatasync(descriptor) : ::fsync(descriptor));
}

}  // namespace

Tree::Tree(Descriptor root, const Options& options, Abilities abilities,
           const ObjectIdentity& identity, const ObjectId& root_mark)
    : root_(std::move(root)),
      identity_(identity),
      root_mark_(root_mark),
      root_id_(identity.is_id(root_mark) ? root_mark : AssignedIds::of_root()),
      abilities_(std::move(abilities)),
      whereabouts_(
          root_.number(), identity_,
          [this](int directory, const char* name, Patience patience) {
              return open_entry(directory, name, patience);
          },
          abilities_.confined_open),
      withheld_(options.withheld),
      has_withheld_(withheld_ && withheld_->is_below(root_.number())),
      server_uid_(::geteuid()),
      keeps_key_(options.keeps_key),
      synchronize_(options.synchronize ? options.synchronize : flush),
      open_files_(options.open_files),
      volumes_(options.volumes ? options.volumes : std::make_shared<Volumes>()),
      volume_(volumes_->of(root_.number())),
      cache_(options.nodes_max, open_files_) {}

Tree::~Tree() = default;

Result<std::unique_ptr<Tree>> Tree::make(Descriptor root, const Options& options) {
    auto identity = ObjectIdentity::of_tree(root.number(), options.file_handles);
    if (!identity) return identity.error();
    auto root_mark = identity->identify(root.number());
    if (!root_mark) return root_mark.error();
    auto abilities = find_abilities(root.number());
    std::unique_ptr<Tree> tree{
        new Tree{std::move(root), options, std::move(abilities), *identity, *root_mark}};
    tree->choose_locator(options);
    return tree;
}

void Tree::choose_locator(const Options& options) {
    std::string reason = "as configured";
    auto open_step = [this](int directory, const char* name) {
        return open_entry(directory, name, Patience::ample);
    };
    const bool can_lose = whereabouts_.matters();
    if (options.kernel_handles && !identity_.can_be_opened()) {
        reason = "the file system has no handles that can be opened";
    } else if (can_lose && ObjectIdentity::way_through(root_id_, root_id_).bytes().empty()) {
        reason = "the file system's handles are too long to include a directory";
    } else if (options.kernel_handles) {
        auto possible = KernelHandles::try_out(root(), root_id_);
        if (possible) {
            has_kernel_handles_ = true;
            needs_ways_ = can_lose;
            boost::system::error_code unknown;
            const bool has_journal =
                options.journal && boost::filesystem::exists(options.journal->directory(), unknown);
            locator_ = std::make_unique<KernelHandles>(
                root(), identity_, can_lose,
                [this](const ObjectId& id) { return find_directory(id); }, open_step,
                [this, options](std::string& trouble) {
                    return open_names_of_moved(options, trouble);
                },
                has_journal);
            return;
        }
        reason = "opening handles: " + std::make_error_code(possible.error()).message();
    }
    auto is_object = [this](int opened, const ObjectId& id, const Place& place) {
        return this->is_object(opened, id, place);
    };
    auto is_id = [this](const ObjectId& id) {
        return identity_.is_id(id) || (assigned_ && AssignedIds::is_assigned(id));
    };
    auto store = open_names(options, reason);
    if (!identity_.is_always_certain()) assigned_ = std::make_shared<AssignedIds>(*store);
    locator_ = std::make_unique<RememberedNames>(root(), root_id_, std::move(is_id),
                                                 std::move(open_step), std::move(is_object),
                                                 std::move(store), std::move(reason));
}

// Opened in the middle of a client's call, by a thread that may act as any caller.
std::unique_ptr<NameStore> Tree::open_names_of_moved(const Options& options,
                                                     std::string& trouble) const {
    const auto acting = act_as_server();
    if (!acting) return nullptr;
    std::string reason;
    auto store = open_names(options, reason);
    if (!reason.empty())
        trouble = "the server will not find files that clients have moved after "
                  "a restart" +
                  reason;
    return store;
}

std::string Tree::describe() const {
    std::string text = locator_->describe();
    if (keeps_key_ && !handles_survive())
        text += "; file handles do not survive a restart: clients must mount again";
    if (keeps_key_ && handles_survive()) text += "; file handles survive a restart";
    if (keeps_key_ && handles_survive() && !identity_.tells_reuse()) {
        text += ", but the file system records no birth times, so a file that "
                "replaces another under the same name and inode number while "
                "the server is down takes over its handle";
    }
    if (!abilities_.change_identity) {
        text += "; every caller acts as uid " + std::to_string(server_uid_);
    }
    if (!abilities_.kernel_access) {
        text += "; ACCESS uses mode bits alone, because this kernel or sandbox "
                "lacks faccessat2";
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

std::optional<std::string> Tree::trouble() {
    if (refusal_is_new_.exchange(false))
        return "some files are refused (not supported), because their file "
               "system gives them no stable identity";
    return locator_->trouble();
}

Result<Pin> Tree::adopt(Descriptor opened, const ObjectId& id, Patience patience,
                        std::optional<FileType> type, Node::Held held, const Way& way) {
    if (Pin known = cache_.find(id)) return known;
    if (!type) {
        auto found = status(opened.number());
        if (!found) return found.error();
        if (withholds(*found)) return std::errc::permission_denied;
        type = to_file_type(found->stx_mode);
    }
    if (*type == FileType::directory) {
        const auto is_withheld = is_marked(opened.number());
        if (!is_withheld) return is_withheld.error();
        if (*is_withheld) return std::errc::permission_denied;
    }
    ObjectId mark;
    if (assigned_) {
        auto seen = identity_.sight(opened.number());
        if (!seen) return seen.error();
        if (!seen->is_certain) mark = seen->mark;
    }
    // A directory knows its own way up.
    const Way& kept = *type == FileType::directory ? Way{} : way;
    Pin node = cache_.insert(Pin{new Node{*this, id, kept, std::move(opened), *type, held, mark}},
                             patience);
    if (!node) return would_block;
    return node;
}

Result<Pin> Tree::find(const ObjectId& id, const Way& way, Patience patience) {
    if (Pin known = cache_.find(id)) {
        auto lost = is_lost(*known, patience);
        if (!lost) return lost.error();
        if (!*lost) return known;
        if (patience == Patience::none) {
            known->look_again();  // so that a caller that may wait finds the same
            return would_block;
        }
        // The object may still be reachable by another name or another way.
        cache_.erase(id);
    }
    const bool is_id = identity_.is_id(id) || (assigned_ && AssignedIds::is_assigned(id));
    if (!is_id) return std::errc::invalid_argument;
    if (patience == Patience::none) return would_block;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    auto opened = opening(Patience::ample, [&] { return locator_->open(id); });
    if (!opened) return opened.error();
    auto found = status(opened->number());
    if (!found) return says_gone(found.error()) ? stale : found.error();
    // The kernel opens handles of deleted objects for as long as anybody has them open.
    if (identity_.is_gone(*found) || withholds(*found)) return stale;
    if (has_withheld_ && withheld_->reaches(opened->number())) return stale;
    // Objects that no handle finds are found by names that lead from the root.
    auto inside =
        has_kernel_handles_ ? confine(std::move(*opened), id, way, *found) : std::move(opened);
    if (!inside) return inside.error();
    return adopt(std::move(*inside), id, patience, to_file_type(found->stx_mode),
                 Node::Held::object, way);
}

Result<Pin> Tree::own(const vfs::Node& node, Patience patience) {
    const auto id = node.id();
    // A node that is held stays in the cache, unless its object is gone.
    if (Pin known = cache_.find(id)) return known;
    auto found = find(id, node.way(), patience);
    if (!found && found.error() == std::errc::invalid_argument) return std::errc::cross_device_link;
    return found;
}

Result<Descriptor> Tree::confine(Descriptor opened, const ObjectId& id, const Way& way,
                                 const struct statx& status) const {
    const auto type = to_file_type(status.stx_mode);
    const auto inside = is_inside(opened.number(), type, Patience::ample);
    if (!inside) return inside.error();
    if (*inside) return opened;
    if (type == FileType::directory) return stale;
    return opening(Patience::ample,
                   [&] { return locator_->open_by_name(id, way, status.stx_ino); });
}

Result<Way> Tree::way_to(const ObjectId& id, const Locator::Entry& as, Patience patience) {
    if (!needs_ways_) return Way{};
    const Pin known = cache_.find(id);
    if (known && known->type() == FileType::directory) return Way{};
    return locator_->way_to(id, known ? std::optional{known->way()} : std::nullopt, as, patience);
}

Result<bool> Tree::is_inside(int opened, FileType type, Patience patience) const {
    return opening(patience, [&] { return whereabouts_.is_inside(opened, type, patience); });
}

Result<Pin> Tree::find_anew(const Node& node) {
    cache_.erase(node.object_id());
    return find(node.object_id(), node.way(), Patience::ample);
}

// Whether the node no longer leads to an object in the tree.
Result<bool> Tree::is_lost(Node& node, Patience patience) const {
    const bool may_look = patience != Patience::none || !abilities_.remote;
    if (identity_.may_be_lost_from_sight() && may_look && node.is_deleted()) return true;
    return has_left(node, patience);
}

// At most once a second: it costs as much as a call.
Result<bool> Tree::has_left(Node& node, Patience patience) const {
    const bool may_go_unseen = node.is_in_part();
    if (!(whereabouts_.matters() || may_go_unseen) || !node.is_due_for_a_look()) return false;
    auto left = may_go_unseen ? has_gone_as_a_whole(node, patience) : Result<bool>{false};
    if (left && !*left && whereabouts_.matters()) {
        left = lies_inside(node, patience);
        if (left) *left = !*left;
    }
    if (!left) node.look_again();
    return left;
}

// Deleting a subvolume deletes everything in it, and open descriptors do not show that.
Result<bool> Tree::has_gone_as_a_whole(const Node& node, Patience patience) const {
    if (patience == Patience::none) return would_block;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    const auto opened = opening(Patience::ample, [&] { return locator_->open(node.object_id()); });
    if (opened) return false;
    return opened.error() == stale ? Result<bool>{true} : opened.error();
}

Result<Pin> Tree::find_directory(const ObjectId& id) {
    auto found = find(id, {}, Patience::ample);
    if (!found || !whereabouts_.matters()) return found;
    const auto inside = is_inside((*found)->path(), FileType::directory, Patience::ample);
    if (!inside) return inside.error();
    return *inside ? std::move(found) : Result<Pin>{stale};
}

Result<void> Tree::check_inside(Node& node) const {
    if (!whereabouts_.matters()) return {};
    const auto inside = lies_inside(node, Patience::ample);
    if (inside && *inside) return {};
    if (node.is_deleted()) return {};  // this is reported where it matters
    return inside ? stale : inside.error();
}

Result<bool> Tree::lies_inside(Node& node, Patience patience) const {
    if (patience == Patience::none && abilities_.remote) return would_block;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    auto inside = is_inside(node.path(), node.type(), patience);
    if (!inside || *inside || node.type() == FileType::directory) return inside;
    if (patience == Patience::none) return would_block;
    const auto found = status(node.path());
    // A deleted object is a different case.
    if (!found) return says_gone(found.error()) ? Result<bool>{true} : found.error();
    if (identity_.is_gone(*found)) return true;
    const auto by_name = opening(Patience::ample, [&] {
        return locator_->open_by_name(node.object_id(), node.way(), found->stx_ino);
    });
    if (!by_name && by_name.error() != stale) return by_name.error();
    return by_name.has_value();
}

Result<Descriptor> Tree::open_entry(int directory, const char* name, Patience patience) const {
    constexpr int flags = O_PATH | O_NOFOLLOW;
    if (patience == Patience::none && !abilities_.cached_lookup) return would_block;
    if (!abilities_.confined_open) {
        // A name without '/' leads to the directory's own entry, and identify() refuses other
        // mounts.
        if (std::string_view{name} == "..") return std::errc::permission_denied;
        return opening(patience, [&] { return open_at(directory, name, flags); });
    }
    auto opened = opening(patience, [&] {
        return open_beneath(directory, name, flags,
                            confined | (patience == Patience::none ? RESOLVE_CACHED : 0));
    });
    if (!opened && opened.error() == std::errc::cross_device_link) {
        return std::errc::permission_denied;
    }
    return opened;
}

Result<Pin> Tree::parent_of(int directory, const ObjectId& child) {
    auto opened =
        opening(Patience::ample, [&] { return open_at(directory, "..", O_PATH | O_DIRECTORY); });
    // The kernel finds no way up from a directory that was moved out of the mounted one.
    if (!opened && opened.error() == std::errc::no_such_file_or_directory) return stale;
    if (!opened) return opened.error();
    const auto id = identify_parent(opened->number(), child);
    if (!id) return id.error();
    const auto inside = is_inside(opened->number(), FileType::directory, Patience::ample);
    if (!inside) return inside.error();
    if (!*inside) return stale;
    return adopt(std::move(*opened), *id, Patience::ample, FileType::directory);
}

void Tree::unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    if (assigned_) assigned_->left(directory, name);
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
    // Some file systems have nothing to write out, and return this error for a directory.
    if (!outcome && outcome.error() == std::errc::invalid_argument) return {};
    if (!outcome) volume_->count_loss();
    return outcome;
}

}  // namespace berth::vfs::posix
