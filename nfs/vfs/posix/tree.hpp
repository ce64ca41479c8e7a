// What the nodes of one exported tree share: its root, what the kernel here can do, how objects are
// found again, the cache. Constant after construction but for the cache and the counter, which lock
// themselves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/abilities.hpp"
#include "nfs/vfs/posix/assigned_ids.hpp"
#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/locator.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/node_cache.hpp"
#include "nfs/vfs/posix/object_identity.hpp"
#include "nfs/vfs/posix/system.hpp"
#include "nfs/vfs/posix/thread_identity.hpp"
#include "nfs/vfs/posix/volumes.hpp"
#include "nfs/vfs/posix/whereabouts.hpp"

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

    [[nodiscard]] const std::shared_ptr<const Withheld>& withheld() const noexcept {
        return withheld_;
    }
    /// Whether no client may reach that.
    [[nodiscard]] bool withholds(const struct statx& found) const noexcept {
        return withheld_ && withheld_->has(found);
    }
    /// Whether a client may take this name away, or put another object under it: permission_denied
    /// for what is withheld. Asks the kernel only where such a thing lies in the tree.
    [[nodiscard]] Result<void> may_change(int directory, const char* name) const;

    /// The calling thread acts as this caller, or as the server, until what is returned goes;
    /// without privileges, as ever.
    [[nodiscard]] Result<Acting> act_as(const Caller& caller) const;
    [[nodiscard]] Result<Acting> act_as_server() const;
    /// The user as whom the caller acts here.
    [[nodiscard]] uid_t acting_uid(const Caller& caller) const noexcept;

    /// The id of the object open as `at`, or with `entry` of that entry of directory `at`.
    /// `directory` and `name`: where it was seen. would_block where an id may have to be assigned.
    [[nodiscard]] Result<ObjectId> identify(int at, const char* entry, const ObjectId& directory,
                                            std::string_view name, Wait wait);
    /// The parent of `child`, open as `opened`. stale when nothing tells it any more.
    [[nodiscard]] Result<ObjectId> identify_parent(int opened, const ObjectId& child);
    /// Attributes as they are to be seen of the object with this id.
    [[nodiscard]] Attributes attributes_of(const ObjectId& id, const struct statx& status) const;

    /// The node of what `opened` holds, in the cache from now on. Its type is asked for unless
    /// known. With Wait::no: would_block when room can only be made by closing what may take
    /// time to close.
    Result<Pin> adopt(Descriptor opened, const ObjectId& id, Wait wait,
                      std::optional<FileType> type, Node::Held held = Node::Held::object,
                      const Way& way = {});

    /// The object with this id, from the cache or found again, by the way if need be; stale within
    /// a second after it was moved out of the tree.
    Result<Pin> find(const ObjectId& id, const Way& way, Wait wait);

    /// The way to an object that has been reached as an entry of `directory`. Empty where the way
    /// back is known without it.
    [[nodiscard]] Way way_through(const ObjectId& directory, const ObjectId& id) const {
        return needs_ways_ ? ObjectIdentity::way_through(directory, id) : Way{};
    }

    /// Whether the object lies in the tree at this very moment, and not only within this second:
    /// for changes that would make it stay there. stale if it does not.
    [[nodiscard]] Result<void> check_inside(Node& node) const;

    /// Opens an entry as O_PATH: never a symbolic link's target, never another mounted file system
    /// (permission_denied), never the parent. By the thread's present identity.
    [[nodiscard]] Result<Descriptor> open_entry(int directory, const char* name, Wait wait) const;
    /// A directory's parent: permission_denied outside the tree, stale if the directory is no
    /// longer below the root. `directory` is not the root. For a thread that acts as the server.
    /// `child`: the directory's id.
    Result<Pin> parent_of(int directory, const ObjectId& child);

    /// The object was unlinked from there: forgets its name, and all of it if that was its last.
    void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name);
    /// The object has that name too.
    void linked(const Node& object, int at, const Locator::Entry& as);
    /// A client has moved the object, into the directory open as `at`.
    void moved(const ObjectId& id, const Locator::Entry& from, int at, const Locator::Entry& to);
    /// The object has been changed, which may make it look like another one.
    void changed(const Node& object);
    /// Null where marks are ids.
    [[nodiscard]] const std::shared_ptr<AssignedIds>& assigned() const noexcept {
        return assigned_;
    }
    /// What is to be said to the administrator, once.
    [[nodiscard]] std::optional<std::string> trouble();

    /// fsync or fdatasync; a failure counts as a loss.
    Result<void> synchronize(int descriptor, Sync what);
    /// Everything of the file system, for a file that cannot be opened.
    Result<void> synchronize_everything();
    [[nodiscard]] std::uint64_t losses() const noexcept { return volume_->losses(); }

private:
    Tree(Descriptor root, const Options& options, Abilities abilities,
         const ObjectIdentity& identity, const ObjectId& root_mark);
    void choose_locator(const Options& options);
    std::unique_ptr<NameStore> open_names_of_moved(const Options& options,
                                                   std::string& trouble) const;
    [[nodiscard]] Result<Descriptor> confine(Descriptor opened, const ObjectId& id, const Way& way,
                                             const struct statx& status) const;
    [[nodiscard]] Result<bool> has_left(Node& node, Wait wait) const;
    /// As find(), of a directory that lies in the tree at this very moment.
    [[nodiscard]] Result<Pin> find_directory(const ObjectId& id);
    [[nodiscard]] Result<bool> has_gone_as_a_whole(const Node& node, Wait wait) const;
    [[nodiscard]] Result<bool> lies_inside(Node& node, Wait wait) const;
    Result<void> noting_loss(Result<void> outcome);
    [[nodiscard]] AssignedIds::Held compare_held(const ObjectId& id, int at, const char* entry);
    [[nodiscard]] Result<bool> is_object(int opened, const ObjectId& id, const Place& place) const;
    std::errc refused(std::errc error);
    void arrived(const ObjectId& id, int at, const Locator::Entry& as);

    const Descriptor root_;
    const ObjectIdentity identity_;
    const ObjectId root_mark_;
    const ObjectId root_id_;
    const Abilities abilities_;
    const Whereabouts whereabouts_;
    const std::shared_ptr<const Withheld> withheld_;
    const bool has_withheld_;  // when it was opened
    const uid_t server_uid_;
    const std::function<Result<void>(int, Sync)> synchronize_;
    const std::shared_ptr<Volumes> volumes_;
    const std::shared_ptr<Volume> volume_;
    std::unique_ptr<Locator> locator_;
    std::shared_ptr<AssignedIds> assigned_;  ///< where marks are not ids
    bool has_kernel_handles_ = false;
    std::atomic<bool> has_refused_{false};
    std::atomic<bool> refusal_is_new_{false};
    bool needs_ways_ = false;
    NodeCache cache_;
};

}  // namespace berth::vfs::posix
