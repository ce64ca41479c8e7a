// How the objects of one mounted file system are told apart: by the kernel's file handle where
// there is one, if only to compare it, else by inode number and time of birth. Constant after
// construction; any thread.
#pragma once

#include <cstdint>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

struct statx;

namespace berth::vfs::posix {

class ObjectIdentity {
public:
    /// Decides by looking at the tree's root, an open directory.
    static Result<ObjectIdentity> of_tree(int root);

    /// Of the object open as `at`, or with a name of that entry of directory `at`, which is not
    /// opened and whose symbolic link is not followed. permission_denied when it is on another
    /// mounted file system.
    [[nodiscard]] Result<ObjectId> identify(int at, const char* name = "") const;

    /// Whether the id shows this inode number. If not, the two may still belong to one object.
    [[nodiscard]] static bool shows_inode(const ObjectId& id, std::uint64_t inode);

    /// The way to an object by a directory that it is in, and back: that directory's id without
    /// what both ids begin with, so that the two ids fit one handle. A handle that the kernel makes
    /// of both (AT_HANDLE_CONNECTABLE) would say the same, but not on btrfs beside the object's own
    /// id, by which it is found in the cache. Empty when it would be too long.
    [[nodiscard]] static Way way_through(const ObjectId& directory, const ObjectId& object);
    [[nodiscard]] static ObjectId directory_on(const Way& way, const ObjectId& object);

    /// Whether the bytes can be an id that identify() made.
    [[nodiscard]] bool is_id(const ObjectId& id) const;

    /// Whether the ids are handles that the kernel can open, given the privilege.
    [[nodiscard]] bool can_be_opened() const noexcept { return kind_ == Kind::kernel_handle; }

    /// Whether an id never comes to mean another object whose inode has got the same number.
    [[nodiscard]] bool tells_reuse() const noexcept {
        return kind_ != Kind::inode || (births_stay_ && births_known_);
    }

    /// Whether this is on the tree's own mounted file system.
    [[nodiscard]] bool same_mount(const struct statx& status) const noexcept;

private:
    // The first byte of an id says of what it was made, so that no id of one kind is ever taken for
    // another.
    enum class Kind : std::uint8_t {
        kernel_handle = 1,
        inode = 2,             ///< and the time of birth, where that is known and stays
        kernel_identifier = 3  ///< a handle that can be compared but not opened
    };
    friend Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

    ObjectIdentity() = default;
    [[nodiscard]] Kind best_kind(int root);
    [[nodiscard]] Result<ObjectId> by_handle(int at, const char* name) const;
    [[nodiscard]] Result<ObjectId> by_inode(int at, const char* name) const;

    Kind kind_ = Kind::inode;
    bool births_stay_ = true;
    bool births_known_ = false;
    bool mount_ids_ = false;  ///< statx tells them
    std::uint64_t mount_ = 0;
    std::uint32_t device_major_ = 0;
    std::uint32_t device_minor_ = 0;
};

/// The kernel's handle inside an id that was made of one; opens by open_by_handle_at.
/// invalid_argument when the bytes are no such id.
Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags);

}  // namespace berth::vfs::posix
