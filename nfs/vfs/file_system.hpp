// The one interface of an exported tree. posix/ (a real directory) and memory/ (a tree in RAM)
// implement it; so could the library of a distributed file system.
//
// Synchronous, handle-based, called from many threads at once; implementations lock themselves.
// No operation makes anything durable by itself: Node::sync does, and the caller decides when.
// Names are bytes. An implementation refuses no name on NFS grounds ('/' , NUL, "", "." and ".."
// in creating operations are refused by its caller), except that it never leaves its tree.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "nfs/vfs/locked_ranges.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

class Node;
/// Pins an object: while one exists the object's identity and descriptor stay usable.
using NodePtr = boost::intrusive_ptr<Node>;

/// What READDIRPLUS wants of an entry without opening it.
struct Listed {
    ObjectId id;
    Attributes attributes;
    Way way = {};
};

/// Takes one entry of a listing; false means "full": this entry was not taken, stop.
using TakeEntry = std::function<bool(const DirectoryEntry&)>;

/// What Node::sync must make durable.
enum class Sync : std::uint8_t {
    data,  ///< file contents and what is needed to read them back (size)
    all,   ///< attributes too; on a directory, its entries
};

/// The locks that one owner has on one file, held on the file itself: whoever else locks it,
/// through another FileLocks or as a local process, meets them. No call waits for a lock. Its
/// destruction unlocks everything. Used by one thread at a time; goes before its file system does.
class FileLocks {
public:
    FileLocks() = default;
    FileLocks(const FileLocks&) = delete;
    FileLocks& operator=(const FileLocks&) = delete;
    virtual ~FileLocks() = default;

    /// As fcntl(F_SETLK): replaces what this owner has there, or changes nothing. False: somebody
    /// else's lock is in the way. Errors: no_lock_available; read_only_file_system, when the file
    /// can be opened for reading only and the lock is exclusive.
    virtual Result<bool> lock(const LockedRange& wanted) = 0;
    virtual Result<void> unlock(const ByteRange& range) = 0;

    /// A lock of somebody else that excludes the wanted one.
    struct Obstacle {
        LockedRange held;
        pid_t process = 0;  ///< of this machine; 0 when unknown
    };
    virtual Result<std::optional<Obstacle>> obstacle_to(const LockedRange& wanted) = 0;

    /// For people: where the file is at this moment, as far as that is known.
    [[nodiscard]] virtual std::string describe_file() const = 0;
};

/// One file, directory or other object. Every operation may fail with what the kernel says about
/// it; `stale` when the object is gone. With Wait::no any of them may answer `would_block`, having
/// changed nothing. `seen`, where an operation takes it: what attributes() has just told the same
/// call, which then need not be asked for again; null when it has not.
class Node {
public:
    using Work = std::function<void()>;

    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    [[nodiscard]] virtual ObjectId id() const = 0;
    /// To be kept with the id, for find(). The same as long as somebody holds the node.
    [[nodiscard]] virtual Way way() const { return {}; }

    /// Held by whoever records attributes before and after a change, so that the pair is atomic
    /// among callers of this server, through whichever export they come. Operations never take it
    /// themselves. Two nodes may have one lock in common; of two locks the one with the lower
    /// address is taken first.
    [[nodiscard]] virtual std::mutex& change_lock() noexcept { return change_lock_; }

    /// Another pin, or nullptr when the last one is gone and the node is about to be deleted. For
    /// tables of live nodes, whose destructors take themselves out of the table under the lock held
    /// here.
    [[nodiscard]] NodePtr pin_if_alive() noexcept {
        auto references = references_.load(std::memory_order_relaxed);
        while (references != 0) {
            if (references_.compare_exchange_weak(references, references + 1,
                                                  std::memory_order_relaxed)) {
                return {this, false};
            }
        }
        return nullptr;
    }

    /// Needs no permission.
    virtual Result<Attributes> attributes(Wait wait) = 0;

    /// Those of the asked Permission bits that the caller really has (POSIX ACLs included; no owner
    /// override).
    virtual Result<std::uint8_t> access(const Caller& caller, std::uint8_t permissions,
                                        const Attributes* seen = nullptr) = 0;

    /// Applies in an order in which what was asked for wins: owner, then size, then mode, then
    /// times; what this caller may not set as a whole changes nothing. Works on a symbolic link
    /// itself, never on its target (mode of a link: ignored, success). Errors:
    /// operation_not_permitted (not the owner), permission_denied, is_a_directory (size),
    /// invalid_argument (size of a special file or link), file_too_large.
    virtual Result<void> set_attributes(const Caller& caller, const NewAttributes& wanted,
                                        const Attributes* seen = nullptr) = 0;

    /// The link's text. invalid_argument when not a symbolic link.
    virtual Result<std::string> read_link(const Caller& caller) = 0;

    /// Reads up to into.size() bytes. None: the end of file. Short: there, or in front of what
    /// can't be read, which reading on from there tells. Permission: read or execute, or being the
    /// owner. is_a_directory / invalid_argument when not a regular file.
    virtual Result<std::size_t> read(const Caller& caller, std::uint64_t offset,
                                     std::span<std::byte> into,
                                     const Attributes* seen = nullptr) = 0;

    /// Writes into the cache; at least one byte unless data is empty. Permission: write, or being
    /// the owner. Clears set-user-id and set-group-id as a local write by this caller would.
    virtual Result<std::size_t> write(const Caller& caller, std::uint64_t offset,
                                      std::span<const std::byte> data,
                                      const Attributes* seen = nullptr) = 0;

    /// Makes earlier changes durable. Concurrent calls on one node share the work.
    virtual Result<void> sync(Sync what) = 0;

    /// For an owner without locks on this file. May wait for the disk. Permission: that of read()
    /// or of write(). is_a_directory / invalid_argument when not a regular file.
    virtual Result<std::unique_ptr<FileLocks>> open_locks(const Caller& caller) = 0;

    // --- directories; not_a_directory otherwise
    // -------------------------------------------------------

    /// "." is the directory itself; ".." its parent, and at the root of the tree the root itself.
    /// Never follows a symbolic link, never crosses into another mounted file system
    /// (permission_denied).
    virtual Result<NodePtr> lookup(const Caller& caller, std::string_view name) = 0;
    /// lookup() without pinning: for listings.
    virtual Result<Listed> peek(const Caller& caller, std::string_view name) = 0;
    /// Runs `work`, whose operations are all this caller's: together they change the thread's
    /// identity once. `work` touches no file but through nodes.
    virtual Result<void> act_as(const Caller& /*caller*/, const Work& work) {
        work();
        return {};
    }

    virtual Result<NodePtr> create(const Caller& caller, std::string_view name,
                                   const NewFile& file) = 0;
    virtual Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                           const NewAttributes& attributes) = 0;
    /// The mode in `attributes` is ignored, and so is a size.
    virtual Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                               std::string_view target,
                                               const NewAttributes& attributes) = 0;
    virtual Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                         const SpecialFile& special) = 0;
    /// A hard link to `target`, which is of the same file system.
    virtual Result<void> link(const Caller& caller, std::string_view name, Node& target) = 0;
    /// Anything but a directory (is_a_directory).
    virtual Result<void> remove(const Caller& caller, std::string_view name) = 0;
    virtual Result<void> remove_directory(const Caller& caller, std::string_view name) = 0;
    /// Replaces what is at the target as rename(2) does. Both directories are of the same file
    /// system.
    virtual Result<void> rename(const Caller& caller, std::string_view name, Node& to_directory,
                                std::string_view to_name) = 0;

    /// Visits the entries after `cookie` (0: from the start), "." and ".." included, until `take`
    /// says full or the end. True: the end was reached. Stateless: cookies stay good while others
    /// create and remove.
    virtual Result<bool> list(const Caller& caller, std::uint64_t cookie,
                              const TakeEntry& take) = 0;

    // --- any object
    // -------------------------------------------------------------------------------

    /// Of the file system around this object, or of the directory that has a share of it. Needs no
    /// permission.
    virtual Result<Space> space(const Caller& caller) = 0;
    virtual Result<Limits> limits(const Caller& caller) = 0;

protected:
    Node() = default;

    /// How many pins there are at this moment: for caches, which let go of what only they hold.
    [[nodiscard]] std::uint32_t references() const noexcept {
        return references_.load(std::memory_order_acquire);
    }

private:
    friend void intrusive_ptr_add_ref(Node* node) noexcept {
        node->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(Node* node) noexcept {
        if (node->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete node;
    }

    std::atomic<std::uint32_t> references_{0};
    std::mutex change_lock_;
};

/// Outlives every Node it gave out.
class FileSystem {
public:
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    virtual ~FileSystem() = default;

    /// The root of the tree; stale when it is gone.
    virtual Result<NodePtr> root(Wait wait) = 0;
    /// For who may wait.
    Result<NodePtr> root() { return root(Wait::yes); }
    /// The object with this id. stale when there is none (any more); invalid_argument when the
    /// bytes cannot be an id.
    virtual Result<NodePtr> find(const ObjectId& id, Wait wait) = 0;
    /// The same, with the way that was kept with the id. Without it some objects are stale that
    /// would be found with it.
    virtual Result<NodePtr> find(const ObjectId& id, const Way& /*way*/, Wait wait) {
        return find(id, wait);
    }

    /// As its root says of itself; objects may know better.
    [[nodiscard]] virtual Limits limits() const = 0;

    /// To be called about once a second, from a thread that may block: lets go of what is no longer
    /// needed.
    virtual void sweep() {}
    /// What has gone wrong since the last call and concerns the administrator: one line without a
    /// full stop.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return {}; }

    /// A number that changes when data written but not synced may have been lost (a write-back
    /// error was seen).
    [[nodiscard]] virtual std::uint64_t losses() const = 0;

    /// Whether attributes may tell another fileid than listings do: the attributes are right.
    [[nodiscard]] virtual bool gives_fileids() const { return false; }

    /// Equal for trees in which an equal id means the same object, and only for those.
    [[nodiscard]] virtual std::uint64_t id_space() const {
        return reinterpret_cast<std::uintptr_t>(this);
    }
};

}  // namespace berth::vfs
