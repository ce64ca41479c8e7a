// How the objects of one mounted file system are told apart: by the kernel's file handle if there
// is one, even if only to compare it; otherwise by inode number and birth time. If that leaves
// doubt about an object, its Sighting says so. Constant after construction; any thread.
#pragma once

#include <cstdint>

#include <sys/stat.h>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Evidence that two objects, found at the same place at different times, are one. 0: unknown.
struct Witness {
    std::uint64_t handle = 0;  ///< hash of the file system's handle, which it may change
    std::uint64_t inode = 0;   ///< hash of number and type
    std::uint64_t birth = 0;   ///< hash of the birth time
    bool operator==(const Witness&) const = default;
};

/// Whether the object seen `now` may be taken for the one seen `then`.
[[nodiscard]] bool speaks_for_one(const Witness& then, const Witness& now);

/// The result of a look at an object.
struct Sighting {
    /// The object's id if that is certain. Otherwise what distinguishes it from every other object
    /// open at this moment; empty if not even that is known.
    ObjectId mark;
    bool is_certain = true;
    /// The mark is a number that the file system may give several objects at a time.
    bool is_only_number = false;
    Witness witness;  ///< only if it is not certain
    /// If its other names make it uncertain: the mark that it would have without them. Several
    /// objects may share it.
    ObjectId mark_of_one_name{};
};

class ObjectIdentity {
public:
    /// Decides by looking at the tree's root, an open directory. `has_handles`: false only to test
    /// file systems without handles.
    static Result<ObjectIdentity> of_tree(int root, bool has_handles = true);

    /// Looks at the object open as `at`, or with `name` at that entry of directory `at`; the entry
    /// is not opened, and a symbolic link is not followed. permission_denied if it is on another
    /// mounted file system.
    [[nodiscard]] Result<Sighting> sight(int at, const char* name = "") const;
    /// Only its mark.
    [[nodiscard]] Result<ObjectId> identify(int at, const char* name = "") const;

    /// Whether changing a file may make it look like another one.
    [[nodiscard]] bool changes_looks() const noexcept { return is_overlay_; }
    /// Whether an object that has other names can seem to be gone when it loses the name that it
    /// was opened by.
    [[nodiscard]] bool may_be_lost_from_sight() const noexcept {
        return is_overlay_ || is_in_user_space_;
    }
    /// Whether every object's mark is its id.
    [[nodiscard]] bool is_always_certain() const noexcept { return is_always_certain_; }

    /// Whether the id contains this inode number. If not, both may still belong to one object.
    [[nodiscard]] static bool shows_inode(const ObjectId& id, std::uint64_t inode);

    /// The way to an object through a directory that it is in, and back. A way is the directory's
    /// id without the prefix that both ids share, so that the two fit into one handle. A handle
    /// that the kernel makes of both (AT_HANDLE_CONNECTABLE) would contain the same, but on btrfs
    /// not along with the object's own id, by which the cache finds it. Empty if it would be too
    /// long.
    [[nodiscard]] static Way way_through(const ObjectId& directory, const ObjectId& object);
    [[nodiscard]] static ObjectId directory_on(const Way& way, const ObjectId& object);

    /// Whether the bytes can be an id of an object whose identity is certain.
    [[nodiscard]] bool is_id(const ObjectId& id) const;

    /// Whether the ids are handles that the kernel can open, given the privilege.
    [[nodiscard]] bool can_be_opened() const noexcept { return kind_ == Kind::kernel_handle; }

    /// Whether reuse of an inode number by another object is detected.
    [[nodiscard]] bool tells_reuse() const noexcept {
        return kind_ != Kind::inode || (births_stay_ && births_known_);
    }

    /// Whether this is on the tree's own mounted file system.
    [[nodiscard]] bool same_mount(const struct statx& status) const noexcept {
        return mount_ids_ ? status.stx_mnt_id == mount_ : is_on_root_device(status);
    }

    /// Whether the status is that of an object that has lost its last name.
    [[nodiscard]] bool is_gone(const struct statx& status) const noexcept {
        return counts_links_ && status.stx_nlink == 0;
    }

    /// Whether the object may be gone though is_gone() says no: the root of a part, which goes as a
    /// whole, or an object from a lower layer of an overlay, where nothing is removed. The kernel
    /// then reports that it was deleted.
    [[nodiscard]] bool may_go_unseen(const struct statx& status) const noexcept {
        constexpr std::uint64_t number_of_roots = 256;  // linux/btrfs_tree.h
        if (is_overlay_) return true;
        return has_parts_ && status.stx_ino == number_of_roots && !is_on_root_device(status);
    }
    /// Whether to believe the link count of an object that has lost the name that it was opened by:
    /// it may have other names.
    [[nodiscard]] bool counts_links_of(int object, const struct statx& status) const;

    /// The part of the file system that the object is in; each part has inode numbers of its own. 0
    /// for the root's part; a part keeps its number after a restart.
    [[nodiscard]] std::uint64_t part_of(const ObjectId& id, const struct statx& status) const {
        const bool is_told = (status.stx_mask & wants_subvolume) != 0;
        return is_told || !is_on_root_device(status) ? other_part(id, status) : 0;
    }
    /// Whether numbers_differ() may return false.
    [[nodiscard]] bool may_lack_numbers() const noexcept {
        return is_in_user_space_ || is_overlay_ || !is_always_certain_;
    }
    /// Whether inode numbers tell the objects of one part apart. If not, numbers made from their
    /// ids do.
    [[nodiscard]] bool numbers_differ(const struct statx& status) const noexcept {
        return !is_in_user_space_ && (is_on_root_device(status) || !is_overlay_);
    }

private:
    // The first byte of an id says what it was made from, so an id of one kind is never taken for
    // one of another.
    enum class Kind : std::uint8_t {
        kernel_handle = 1,
        inode = 2,              ///< and the birth time, if it is known and stays
        kernel_identifier = 3,  ///< a handle that can be compared but not opened
        node = 4                ///< what a user-space file system calls the object while it is open
    };
    friend Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

    ObjectIdentity() = default;
    void decide(int root, bool has_handles);
    [[nodiscard]] Result<Sighting> by_handle(int at, const char* name) const;
    [[nodiscard]] Result<Sighting> by_inode(int at, const char* name) const;
    [[nodiscard]] std::uint64_t other_part(const ObjectId& id, const struct statx& status) const;
    [[nodiscard]] bool is_on_root_device(const struct statx& status) const noexcept {
        return status.stx_dev_major == device_major_ && status.stx_dev_minor == device_minor_;
    }

    Kind kind_ = Kind::inode;
    bool is_always_certain_ = true;
    bool is_overlay_ = false;
    bool is_in_user_space_ = false;
    bool may_have_handles_ = true;
    bool splits_links_ = false;  ///< hard links become separate files when they are written
    bool births_stay_ = true;
    bool births_known_ = false;
    bool counts_links_ = true;
    bool has_parts_ = false;
    bool mount_ids_ = false;  ///< statx reports them
    std::uint64_t mount_ = 0;
    std::uint64_t part_ = 0;  ///< the root's part, as the kernel numbers it
    std::uint32_t device_major_ = 0;
    std::uint32_t device_minor_ = 0;
};

/// Opens the kernel's handle inside an id, by open_by_handle_at. invalid_argument if the id does
/// not contain one.
Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

}  // namespace berth::vfs::posix
