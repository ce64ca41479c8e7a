// The one interface to an exported tree. posix/ (a real directory) and memory/ (a tree in RAM)
// implement it; the library of a distributed file system could too.
//
// Synchronous and handle-based; many threads call it at once, and implementations lock themselves.
// No operation makes anything durable by itself: Node::sync does, and the caller decides when.
// Names are bytes. An implementation refuses no name on NFS grounds (its caller refuses '/', NUL,
// "", "." and ".." in creating operations), but it never leaves its tree.
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
#include <system_error>

#include <boost/assert/source_location.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/system/result.hpp>

#include "nfs/vfs/locked_ranges.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

class Node;
/// Pins an object: while a pin exists, the object's identity and descriptor stay usable.
using NodePtr = boost::intrusive_ptr<Node>;

/// The data that READDIRPLUS needs from an entry without opening it.
struct Listed {
    ObjectId id;
    Attributes attributes;
    Way way = {};
};

/// Takes one entry of a listing. False: it is full and has not taken this entry; stop.
using TakeEntry = std::function<bool(const DirectoryEntry&)>;

/// The data that Node::sync must make durable.
enum class Sync : std::uint8_t {
    data,  ///< file contents and what is needed to read them back (size)
    all,   ///< attributes too; on a directory, its entries
};

/// The locks that one owner has on one file, held on the file itself: anyone else who locks it,
/// through another FileLocks or as a local process, meets them. No call waits for a lock. The
/// destructor unlocks everything. One thread at a time uses it; it must be destroyed before its
/// file system.
class FileLocks {
public:
    FileLocks() = default;
    FileLocks(const FileLocks&) = delete;
    FileLocks& operator=(const FileLocks&) = delete;
    virtual ~FileLocks() = default;

    /// Like fcntl(F_SETLK): replaces what this owner has there, or changes nothing. False: another
    /// owner's lock is in the way. Errors: no_lock_available; read_only_file_system, if the file
    /// can be opened only for reading and the lock is exclusive.
    virtual Result<bool> lock(const LockedRange& wanted) = 0;
    virtual Result<void> unlock(const ByteRange& range) = 0;

    /// Another owner's lock that excludes the wanted one.
    struct Obstacle {
        LockedRange held;
        pid_t process = 0;  ///< on this machine; 0 if unknown
    };
    virtual Result<std::optional<Obstacle>> obstacle_to(const LockedRange& wanted) = 0;

    /// For people: the path of the file at this moment, as far as it is known.
    [[nodiscard]] virtual std::string describe_file() const = 0;
};

/// One file, directory or other object. Every operation may fail with the kernel's error; `stale`
/// means that the object is gone. With Patience::none any operation may return `would_block`,
/// having changed nothing. `seen`, where an operation takes it, is what attributes() has just
/// returned in the same call, so that it need not be asked again; otherwise null.
class Node {
public:
    using Work = std::function<void()>;

    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    [[nodiscard]] virtual ObjectId id() const = 0;
    /// To be kept with the id, for find(). It stays the same for as long as somebody holds the
    /// node.
    [[nodiscard]] virtual Way way() const { return {}; }

    /// "/a/b": by one of its names at this moment, below the root of the tree, which itself is "".
    /// For people, and for rules about names. Empty, too, if it has no name or none is known.
    [[nodiscard]] virtual std::string place() const { return {}; }

    /// To be held while attributes are recorded before and after a change, so that the pair is
    /// atomic among callers of this server, whichever export they use. Operations never take it
    /// themselves. Two nodes may share one lock; of two locks, the one with the lower address is
    /// taken first.
    [[nodiscard]] virtual std::mutex& change_lock() noexcept { return change_lock_; }

    /// Another pin, or nullptr if the last one has gone and the node is about to be deleted. For
    /// tables of live nodes: the node's destructor removes it from the table under the lock that is
    /// held here.
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
    virtual Result<Attributes> attributes(Patience patience) = 0;

    /// The subset of the given Permission bits that the caller really has. Includes POSIX ACLs; an
    /// owner gets no extra rights.
    virtual Result<std::uint8_t> access(const Caller& caller, std::uint8_t permissions,
                                        const Attributes* seen = nullptr) = 0;

    /// Applies the attributes in an order that makes the requested values win: owner, then size,
    /// then mode, then times. If this caller may not set all of them, nothing changes. Works on a
    /// symbolic link itself, never on its target (the mode of a link is ignored, with success).
    /// Errors: operation_not_permitted (not the owner), permission_denied, is_a_directory (size),
    /// invalid_argument (size of a special file or link), file_too_large.
    virtual Result<void> set_attributes(const Caller& caller, const NewAttributes& wanted,
                                        const Attributes* seen = nullptr) = 0;

    /// The link's text. invalid_argument if it is not a symbolic link.
    virtual Result<std::string> read_link(const Caller& caller) = 0;

    /// Reads up to into.size() bytes. Zero: the end of file. A short count: the end of file or data
    /// that can't be read follows, and the next read tells which. Permission: read or execute, or
    /// ownership. is_a_directory / invalid_argument if it is not a regular file.
    virtual Result<std::size_t> read(const Caller& caller, std::uint64_t offset,
                                     std::span<std::byte> into,
                                     const Attributes* seen = nullptr) = 0;

    /// Writes into the cache; at least one byte unless data is empty. Permission: write, or
    /// ownership. Clears set-user-id and set-group-id as a local write by this caller would.
    virtual Result<std::size_t> write(const Caller& caller, std::uint64_t offset,
                                      std::span<const std::byte> data,
                                      const Attributes* seen = nullptr) = 0;

    /// Makes earlier changes durable. Concurrent calls on one node share the work.
    virtual Result<void> sync(Sync what) = 0;

    /// For an owner that has no locks on this file yet. May wait for the disk. Permission: as for
    /// read() or write(). is_a_directory / invalid_argument if it is not a regular file.
    virtual Result<std::unique_ptr<FileLocks>> open_locks(const Caller& caller) = 0;

    // --- directories; other objects return not_a_directory

    /// "." is the directory itself; ".." its parent, and at the root of the tree the root itself.
    /// Never follows a symbolic link, never crosses into another mounted file system
    /// (permission_denied).
    virtual Result<NodePtr> lookup(const Caller& caller, std::string_view name) = 0;
    /// lookup() without pinning: for listings.
    virtual Result<Listed> peek(const Caller& caller, std::string_view name) = 0;
    /// Runs `work`; all its operations act as this caller, so the thread's identity changes only
    /// once. `work` touches files only through nodes.
    virtual Result<void> act_as(const Caller& /*caller*/, const Work& work) {
        work();
        return {};
    }

    virtual Result<NodePtr> create(const Caller& caller, std::string_view name,
                                   const NewFile& file) = 0;
    virtual Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                           const NewAttributes& attributes) = 0;
    /// The mode and the size in `attributes` are ignored.
    virtual Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                               std::string_view target,
                                               const NewAttributes& attributes) = 0;
    virtual Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                         const SpecialFile& special) = 0;
    /// Removes anything but a directory (is_a_directory).
    virtual Result<void> remove(const Caller& caller, std::string_view name) = 0;
    virtual Result<void> remove_directory(const Caller& caller, std::string_view name) = 0;

    /// Visits the entries after `cookie` (0: from the start), "." and ".." included, until `take`
    /// is full or the listing ends. True: it has ended. Stateless: cookies stay good while others
    /// create and remove.
    virtual Result<bool> list(const Caller& caller, std::uint64_t cookie,
                              const TakeEntry& take) = 0;

    // --- any object

    /// The space of the file system around this object, or of the directory quota that applies to
    /// it. Needs no permission.
    virtual Result<Space> space(const Caller& caller) = 0;
    virtual Result<Limits> limits(const Caller& caller) = 0;

protected:
    Node() = default;

    /// How many pins exist at this moment. Caches release what only they hold.
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

/// Where a tree's root lies among the mounts of this machine.
struct MountPlace {
    std::uint64_t mount = 0;  ///< the kernel's number of the mount, unique while the tree is open
    bool is_root = false;     ///< whether it is the root of the mount
    std::string path;         ///< absolute, as the kernel reports it, with links resolved
    int root = -1;            ///< a descriptor of the root, open for as long as the tree is
};

/// Why a tree can't be opened.
struct OpenError {
    std::errc code{};
    std::string reason;  ///< one line for the person who started the server
};

/// value() of a failed opening throws this: a std::system_error with the reason.
[[noreturn]] void throw_exception_from_error(const OpenError& error, const boost::source_location&);

/// Outlives every Node that it has returned.
class FileSystem {
public:
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    virtual ~FileSystem() = default;

    /// The root of the tree; stale if it is gone.
    virtual Result<NodePtr> root(Patience patience) = 0;
    /// For callers that may wait.
    Result<NodePtr> root() { return root(Patience::ample); }
    /// The object with this id. stale if there is none (any more); invalid_argument if the bytes
    /// cannot be an id. `way` is the one that was kept with the id; without it some objects are
    /// stale that could be found with it.
    virtual Result<NodePtr> find(const ObjectId& id, const Way& way, Patience patience) = 0;
    Result<NodePtr> find(const ObjectId& id, Patience patience) { return find(id, {}, patience); }

    // --- operations on two objects of this file system; others return cross_device_link

    /// Gives `target` another name: `name` in `directory`.
    virtual Result<void> link(const Caller& caller, Node& target, Node& directory,
                              std::string_view name) = 0;
    /// Replaces an object at the new name as rename(2) does.
    virtual Result<void> rename(const Caller& caller, Node& from, std::string_view from_name,
                                Node& to, std::string_view to_name) = 0;

    /// The limits of the root; other objects may have limits of their own.
    [[nodiscard]] virtual Limits limits() const = 0;

    /// To be called about once a second, by a thread that may block: releases what is no longer
    /// needed.
    virtual void sweep() {}
    /// An error since the last call that the administrator should know about: one line without a
    /// full stop.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return {}; }

    /// A number that changes when data that was written but not synced may have been lost (after a
    /// write-back error).
    [[nodiscard]] virtual std::uint64_t losses() const = 0;

    /// Whether attributes may have other fileids than listings; if so, the attributes are right.
    [[nodiscard]] virtual bool gives_fileids() const { return false; }

    /// Equal for two trees if, and only if, equal ids in them mean the same object.
    [[nodiscard]] virtual std::uint64_t id_space() const {
        return reinterpret_cast<std::uintptr_t>(this);
    }

    // --- a directory of this machine that others may be mounted in; otherwise not_supported

    /// function_not_supported before Linux 5.8.
    [[nodiscard]] virtual Result<MountPlace> mount_place() const {
        return std::errc::not_supported;
    }
    /// The directory of this tree in which the root of `inner` is mounted. permission_denied or
    /// stale if there is none.
    [[nodiscard]] virtual Result<ObjectId> place_of(const MountPlace& /*inner*/) const {
        return std::errc::not_supported;
    }
    /// Identifies the file system and the root in it, wherever it is mounted and also after a
    /// restart: by UUID, or before Linux 6.9 by the id from statfs(2). Empty if it has neither.
    [[nodiscard]] virtual std::string fingerprint() const { return {}; }
    /// Whether the kernel's file handles are used to find objects.
    [[nodiscard]] virtual bool has_kernel_handles() const { return false; }
    /// Opens what is mounted at this path, with the options of this tree.
    [[nodiscard]] virtual boost::system::result<std::shared_ptr<FileSystem>, OpenError>
    open_mounted(const std::string& point) const;
};

}  // namespace berth::vfs
