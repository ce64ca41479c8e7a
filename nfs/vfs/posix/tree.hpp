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
#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/locator.hpp"
#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/node_cache.hpp"
#include "nfs/vfs/posix/object_identity.hpp"
#include "nfs/vfs/posix/system.hpp"
#include "nfs/vfs/posix/thread_identity.hpp"
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
    [[nodiscard]] std::string describe() const;

    /// The calling thread acts as this caller, or as the server, until what is returned goes;
    /// without privileges, as ever.
    [[nodiscard]] Result<Acting> act_as(const Caller& caller) const;
    [[nodiscard]] Result<Acting> act_as_server() const;
    /// The user as whom the caller acts here.
    [[nodiscard]] uid_t acting_uid(const Caller& caller) const noexcept;

    /// The node of what `opened` holds, in the cache from now on. Its type is asked for unless
    /// known. With Wait::no: would_block when room can only be made by closing what may take
    /// time to close.
    Result<Pin> adopt(Descriptor opened, Wait wait, std::optional<FileType> type = std::nullopt);
    Result<Pin> adopt(Descriptor opened, const ObjectId& id, Wait wait,
                      std::optional<FileType> type, Node::Held held = Node::Held::object);

    /// The object with this id, from the cache or found again; stale within a second after it was
    /// moved out of the tree.
    Result<Pin> find(const ObjectId& id, Wait wait);

    /// Opens an entry as O_PATH: never a symbolic link's target, never another mounted file system
    /// (permission_denied), never the parent. By the thread's present identity.
    [[nodiscard]] Result<Descriptor> open_entry(int directory, const char* name, Wait wait) const;
    /// Opens a directory's parent: permission_denied outside the tree, stale if the directory is no
    /// longer below the root. `directory` is not the root.
    [[nodiscard]] Result<Descriptor> open_parent(int directory) const;

    /// The object was unlinked from there: forgets its name, and all of it if that was its last.
    void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name);

    /// fsync or fdatasync; a failure counts as a loss.
    Result<void> synchronize(int descriptor, Sync what);
    /// Everything of the file system, for a file that cannot be opened.
    Result<void> synchronize_everything();
    [[nodiscard]] std::uint64_t losses() const noexcept { return losses_.load(); }

private:
    Tree(Descriptor root, const Options& options, const Abilities& abilities,
         const ObjectIdentity& identity, const ObjectId& root_id);
    void choose_locator(const Options& options);
    [[nodiscard]] Result<bool> is_inside(int directory) const;
    [[nodiscard]] Result<bool> has_left(Node& node) const;
    Result<void> noting_loss(Result<void> outcome);

    const Descriptor root_;
    const ObjectIdentity identity_;
    const ObjectId root_id_;
    const Abilities abilities_;
    const Whereabouts whereabouts_;
    const uid_t server_uid_;
    const std::function<Result<void>(int, Sync)> synchronize_;
    std::unique_ptr<Locator> locator_;
    bool has_kernel_handles_ = false;
    std::atomic<std::uint64_t> losses_{0};
    NodeCache cache_;
};

}  // namespace berth::vfs::posix
