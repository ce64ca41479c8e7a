// The state that the nodes of one exported tree share: its root, the abilities of the kernel here,
// how objects are found again, the cache. Constant after construction except for the cache and the
// counter, which lock themselves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/locator.hpp"
#include "nfs/vfs/posix/names/assigned_ids.hpp"
#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/posix/node/cache.hpp"
#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/node/open_files.hpp"
#include "nfs/vfs/posix/system/abilities.hpp"
#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/object_identity.hpp"
#include "nfs/vfs/posix/system/same_inode.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"
#include "nfs/vfs/posix/system/whereabouts.hpp"
#include "nfs/vfs/posix/volumes.hpp"

namespace berth::vfs::posix {

class Tree {
public:
    /// `root` is open for reading.
    static Result<std::unique_ptr<Tree>> make(Descriptor root, const Options& options);

    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree();

    [[nodiscard]] const Abilities& abilities() const noexcept { return abilities_; }
    [[nodiscard]] const ObjectIdentity& identity() const noexcept { return identity_; }
    [[nodiscard]] const ObjectId& root_id() const noexcept { return root_id_; }
    [[nodiscard]] int root() const noexcept { return root_.number(); }
    [[nodiscard]] bool has_kernel_handles() const noexcept { return has_kernel_handles_; }
    [[nodiscard]] Locator& locator() const noexcept { return *locator_; }
    [[nodiscard]] NodeCache& cache() noexcept { return cache_; }
    [[nodiscard]] const std::shared_ptr<Volume>& volume() const noexcept { return volume_; }
    [[nodiscard]] const std::shared_ptr<Volumes>& volumes() const noexcept { return volumes_; }
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] bool handles_survive() const { return locator_->survives_restart(); }

    [[nodiscard]] const std::shared_ptr<const Withheld>& withheld() const noexcept {
        return withheld_;
    }
    /// Whether no client may reach that object.
    [[nodiscard]] bool withholds(const struct statx& found) const noexcept {
        return withheld_ && withheld_->has(found);
    }
    /// Whether a client may remove this name, or put another object under it: permission_denied for
    /// what is withheld. Asks the kernel only if something withheld lies in the tree.
    [[nodiscard]] Result<void> may_change(int directory, const char* name) const;
    /// Whether a client may change the node's mode and owner: operation_not_permitted for
    /// directories above what is withheld, because the change could shut the server out.
    [[nodiscard]] Result<void> may_close(const Node& node) const;

    /// The calling thread acts as this caller, or as the server, until the returned object is
    /// destroyed. Without privileges the identity does not change.
    [[nodiscard]] Result<Acting> act_as(const Caller& caller) const;
    [[nodiscard]] Result<Acting> act_as_server() const;
    /// The user that the caller acts as here.
    [[nodiscard]] uid_t acting_uid(const Caller& caller) const noexcept;

    /// The id of the object open as `at`, or with `entry` of that entry of directory `at`.
    /// `directory` and `name`: where it was seen. would_block if an id may have to be assigned.
    [[nodiscard]] Result<ObjectId> identify(int at, const char* entry, const ObjectId& directory,
                                            std::string_view name, Patience patience);
    /// The parent of `child`, open as `opened`. stale if it can no longer be determined.
    [[nodiscard]] Result<ObjectId> identify_parent(int opened, const ObjectId& child);
    /// The attributes to show for the object with this id.
    [[nodiscard]] Attributes attributes_of(const ObjectId& id, const struct statx& status) const;

    /// The node of what `opened` holds, which the cache has from now on. Asks for the type unless
    /// it is given. With Patience::none: would_block if room can only be made by closing something
    /// that may take time to close.
    Result<Pin> adopt(Descriptor opened, const ObjectId& id, Patience patience,
                      std::optional<FileType> type, Node::Held held = Node::Held::object,
                      const Way& way = {});

    /// The object with this id, from the cache or found again, by the way if need be; stale within
    /// a second after it was moved out of the tree.
    Result<Pin> find(const ObjectId& id, const Way& way, Patience patience);
    /// The same object, by a name that leads to it now.
    Result<Pin> find_anew(const Node& node);
    /// The tree's own node for one that a caller holds. cross_device_link if the object is not in
    /// this tree; otherwise as find().
    Result<Pin> own(const vfs::Node& node, Patience patience);

    /// The way to an object that was made as an entry of `directory`. Empty if the object can be
    /// found without it.
    [[nodiscard]] Way way_through(const ObjectId& directory, const ObjectId& id) const {
        return needs_ways_ ? ObjectIdentity::way_through(directory, id) : Way{};
    }
    /// The same for an object that was reached there: the way that its handles contain already, if
    /// known. would_block, only with Patience::none: the name has to be kept first.
    [[nodiscard]] Result<Way> way_to(const ObjectId& id, const Locator::Entry& as,
                                     Patience patience);

    /// Whether the object lies in the tree at this very moment, not just within this second: for
    /// changes that would make it stay there. stale if it does not.
    [[nodiscard]] Result<void> check_inside(Node& node) const;

    /// Opens an entry as O_PATH, under the thread's current identity: never a symbolic link's
    /// target, never another mounted file system (permission_denied), never the parent.
    [[nodiscard]] Result<Descriptor> open_entry(int directory, const char* name,
                                                Patience patience) const;
    /// A directory's parent: permission_denied outside the tree, stale if the directory is no
    /// longer below the root. `directory` is not the root; `child` is its id. For a thread that
    /// acts as the server.
    Result<Pin> parent_of(int directory, const ObjectId& child);

    /// The object was unlinked there: forgets the name, and the whole object if that was its last
    /// one.
    void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name);
    /// The object has this name too.
    void linked(const Node& object, int at, const Locator::Entry& as);
    /// A client has moved the object into the directory open as `at`.
    void moved(const ObjectId& id, const Locator::Entry& from, int at, const Locator::Entry& to);
    /// The object has changed, which may make it look like another one.
    void changed(const Node& object);
    [[nodiscard]] const std::shared_ptr<OpenFiles>& open_files() const noexcept {
        return open_files_;
    }
    /// To be used for everything that is opened: returns what `open` returns. If `open` lacked a
    /// descriptor, it is called again after unused nodes have been closed. That may take time, so
    /// with Patience::none it returns would_block instead.
    template <class Open>
    [[nodiscard]] auto opening(Patience patience, Open open) const {
        constexpr int tries_max = 8;  // others may take what was closed first
        auto opened = open();
        for (int tries = 0; tries < tries_max; ++tries) {
            if (opened || !lacks_descriptors(opened.error())) break;
            if (patience == Patience::none) return decltype(opened){would_block};
            if (!open_files_->make_room()) break;
            opened = open();
        }
        return opened;
    }

    /// Null if marks are ids.
    [[nodiscard]] const std::shared_ptr<AssignedIds>& assigned() const noexcept {
        return assigned_;
    }
    /// A message for the administrator; reported once.
    [[nodiscard]] std::optional<std::string> trouble();

    /// fsync or fdatasync; a failure counts as a loss.
    Result<void> synchronize(int descriptor, Sync what);
    /// Syncs the whole file system, for a file that cannot be opened.
    Result<void> synchronize_everything();
    [[nodiscard]] std::uint64_t losses() const noexcept { return volume_->losses(); }

private:
    Tree(Descriptor root, const Options& options, Abilities abilities,
         const ObjectIdentity& identity, const ObjectId& root_mark);
    void choose_locator(const Options& options);
    std::unique_ptr<NameStore> open_names_of_moved(const Options& options,
                                                   std::string& trouble) const;
    [[nodiscard]] Result<bool> is_inside(int opened, FileType type, Patience patience) const;
    /// Whether that is a withheld directory, shown by another file system.
    [[nodiscard]] Result<bool> is_marked(int directory) const;
    [[nodiscard]] Result<Descriptor> confine(Descriptor opened, const ObjectId& id, const Way& way,
                                             const struct statx& status) const;
    [[nodiscard]] Result<bool> is_lost(Node& node, Patience patience) const;
    [[nodiscard]] Result<bool> has_left(Node& node, Patience patience) const;
    /// As find(), for a directory that lies in the tree at this very moment.
    [[nodiscard]] Result<Pin> find_directory(const ObjectId& id);
    [[nodiscard]] Result<bool> has_gone_as_a_whole(const Node& node, Patience patience) const;
    [[nodiscard]] Result<bool> lies_inside(Node& node, Patience patience) const;
    Result<void> noting_loss(Result<void> outcome);
    [[nodiscard]] Result<std::optional<ObjectId>> known_by_one_name(const Sighting& seen, int at,
                                                                    const char* entry);
    [[nodiscard]] AssignedIds::Held compare_held(const ObjectId& id, const Sighting& seen, int at,
                                                 const char* entry);
    [[nodiscard]] bool are_two(int object, int at, const char* entry);
    [[nodiscard]] Result<bool> is_object(int opened, const ObjectId& id, const Place& place);
    std::errc refused(std::errc error);
    void arrived(const ObjectId& id, int at, const Locator::Entry& as);

    const Descriptor root_;
    const ObjectIdentity identity_;
    const ObjectId root_mark_;
    const ObjectId root_id_;
    const Abilities abilities_;
    const Whereabouts whereabouts_;
    const std::shared_ptr<const Withheld> withheld_;
    const bool has_withheld_;  // when the tree was opened
    const uid_t server_uid_;
    const bool keeps_key_;
    const std::function<Result<void>(int, Sync)> synchronize_;
    const std::shared_ptr<OpenFiles> open_files_;
    const std::shared_ptr<Volumes> volumes_;
    const std::shared_ptr<Volume> volume_;
    std::unique_ptr<Locator> locator_;
    std::shared_ptr<AssignedIds> assigned_;  ///< if marks are not ids
    SameInode same_inode_;
    bool has_kernel_handles_ = false;
    std::atomic<bool> has_refused_{false};
    std::atomic<bool> refusal_is_new_{false};
    bool needs_ways_ = false;
    NodeCache cache_;
};

}  // namespace berth::vfs::posix
