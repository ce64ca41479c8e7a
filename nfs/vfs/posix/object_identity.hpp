// How the objects of one mounted file system are told apart: by the kernel's file handle where
// there is one, if only to compare it, else by inode number and time of birth. What that leaves
// open is said of each object that it is looked at. Constant after construction; any thread.
#pragma once

#include <cstdint>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

struct statx;

namespace berth::vfs::posix {

/// What speaks for two objects, found at the same place at different times, being one. 0: unknown.
struct Witness {
    std::uint64_t handle = 0;  ///< of the file system's handle, which it may change
    std::uint64_t inode = 0;   ///< of number and type
    std::uint64_t birth = 0;   ///< of the time of birth
    bool operator==(const Witness&) const = default;
};

/// Whether the one seen `now` may be taken for the one seen then.
[[nodiscard]] bool speaks_for_one(const Witness& then, const Witness& now);

/// What can be said of an object that was just looked at.
struct Sighting {
    /// Its id when that is certain. Else what tells it from every other object that is open at this
    /// moment; empty when not even that is known.
    ObjectId mark;
    bool is_certain = true;
    Witness witness;  ///< unless it is certain
};

class ObjectIdentity {
public:
    /// Decides by looking at the tree's root, an open directory. `has_handles`: false only to have
    /// the ways of file systems without them tested.
    static Result<ObjectIdentity> of_tree(int root, bool has_handles = true);

    /// Of the object open as `at`, or with a name of that entry of directory `at`, which is not
    /// opened and whose symbolic link is not followed. permission_denied when it is on another
    /// mounted file system.
    [[nodiscard]] Result<Sighting> sight(int at, const char* name = "") const;
    /// Its mark alone.
    [[nodiscard]] Result<ObjectId> identify(int at, const char* name = "") const;

    /// Whether a change of a file may make it look like another one.
    [[nodiscard]] bool changes_looks() const noexcept { return is_overlay_; }
    /// Whether every object's mark is its id.
    [[nodiscard]] bool is_always_certain() const noexcept { return is_always_certain_; }

    /// Whether the id shows this inode number. If not, the two may still belong to one object.
    [[nodiscard]] static bool shows_inode(const ObjectId& id, std::uint64_t inode);

    /// The way to an object by a directory that it is in, and back: that directory's id without
    /// what both ids begin with, so that the two ids fit one handle. A handle that the kernel makes
    /// of both (AT_HANDLE_CONNECTABLE) would say the same, but not on btrfs beside the object's own
    /// id, by which it is found in the cache. Empty when it would be too long.
    [[nodiscard]] static Way way_through(const ObjectId& directory, const ObjectId& object);
    [[nodiscard]] static ObjectId directory_on(const Way& way, const ObjectId& object);

    /// Whether the bytes can be the id of an object that it is certain of.
    [[nodiscard]] bool is_id(const ObjectId& id) const;

    /// Whether the ids are handles that the kernel can open, given the privilege.
    [[nodiscard]] bool can_be_opened() const noexcept { return kind_ == Kind::kernel_handle; }

    /// Whether it is seen when an inode's number has been given to another object.
    [[nodiscard]] bool tells_reuse() const noexcept {
        return kind_ != Kind::inode || (births_stay_ && births_known_);
    }

    /// Whether this is on the tree's own mounted file system.
    [[nodiscard]] bool same_mount(const struct statx& status) const noexcept;

    /// Whether the status tells of an object that has lost its last name.
    [[nodiscard]] bool is_gone(const struct statx& status) const noexcept;

    /// Whether the object may be gone though is_gone() says no: the root of a part, which goes as a
    /// whole, or what an overlay shows of a lower layer, where nothing is removed. Then the kernel
    /// tells that it was deleted.
    [[nodiscard]] bool may_go_unseen(const struct statx& status) const noexcept;
    /// Whether the count of links of that object, which has lost the name that it was opened by, is
    /// to be believed: it may have others.
    [[nodiscard]] bool counts_links_of(int object, const struct statx& status) const;

    /// Which part of the file system, with inode numbers of its own, the object is in: 0 for that
    /// of the root, and the same number for the same part after a restart.
    [[nodiscard]] std::uint64_t part_of(const ObjectId& id, const struct statx& status) const;
    /// Whether the answer of numbers_differ() may be no.
    [[nodiscard]] bool may_lack_numbers() const noexcept {
        return is_in_user_space_ || is_overlay_ || !is_always_certain_;
    }
    /// Whether inode numbers tell the objects of one part apart. If not, those of their ids do.
    [[nodiscard]] bool numbers_differ(const struct statx& status) const noexcept;

private:
    // The first byte of an id says of what it was made, so that no id of one kind is ever taken for
    // another.
    enum class Kind : std::uint8_t {
        kernel_handle = 1,
        inode = 2,              ///< and the time of birth, where that is known and stays
        kernel_identifier = 3,  ///< a handle that can be compared but not opened
        node = 4  ///< what a file system in user space calls the object while it is open
    };
    friend Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

    ObjectIdentity() = default;
    void decide(int root, bool has_handles);
    [[nodiscard]] Result<Sighting> by_handle(int at, const char* name) const;
    [[nodiscard]] Result<Sighting> by_inode(int at, const char* name) const;
    [[nodiscard]] bool is_on_root_device(const struct statx& status) const noexcept;

    Kind kind_ = Kind::inode;
    bool is_always_certain_ = true;
    bool is_overlay_ = false;
    bool is_in_user_space_ = false;
    bool splits_links_ = false;  ///< hard links become files of their own when they are written
    bool births_stay_ = true;
    bool births_known_ = false;
    bool counts_links_ = true;
    bool has_parts_ = false;
    bool mount_ids_ = false;  ///< statx tells them
    std::uint64_t mount_ = 0;
    std::uint64_t part_ = 0;  ///< the root's, as the kernel calls it
    std::uint32_t device_major_ = 0;
    std::uint32_t device_minor_ = 0;
};

/// The kernel's handle inside an id that was made of one; opens by open_by_handle_at.
/// invalid_argument when the bytes are no such id.
Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

}  // namespace berth::vfs::posix
