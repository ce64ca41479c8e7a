// An object of the tree: implements vfs::Node on an Inode, under the tree's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/memory/inode.hpp"
#include "nfs/vfs/memory/locks.hpp"
#include "nfs/vfs/memory/volume.hpp"

namespace berth::vfs::memory {

class Node final : public vfs::Node {
public:
    Node(Volume& volume, Inode inode) : volume_(volume), inode_(std::move(inode)) {}

    /// Guarded by the volume's lock.
    [[nodiscard]] Inode& inode() { return inode_; }

    [[nodiscard]] ObjectId id() const override;
    [[nodiscard]] std::string place() const override;
    Result<Attributes> attributes(Patience patience) override;
    Result<std::uint8_t> access(const Caller& caller, std::uint8_t permissions,
                                const Attributes* seen) override;
    Result<void> set_attributes(const Caller& caller, const NewAttributes& wanted,
                                const Attributes* seen) override;

    Result<std::string> read_link(const Caller& caller) override;
    Result<std::size_t> read(const Caller& caller, std::uint64_t offset, std::span<std::byte> into,
                             const Attributes* seen) override;
    Result<std::size_t> write(const Caller& caller, std::uint64_t offset,
                              std::span<const std::byte> data, const Attributes* seen) override;
    Result<void> sync(Sync what) override;
    Result<std::unique_ptr<FileLocks>> open_locks(const Caller& caller) override;

    Result<NodePtr> lookup(const Caller& caller, std::string_view name) override;
    Result<Listed> peek(const Caller& caller, std::string_view name) override;
    Result<bool> list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) override;
    Result<Space> space(const Caller& caller) override;
    Result<Limits> limits(const Caller& caller) override;

    Result<NodePtr> create(const Caller& caller, std::string_view name,
                           const NewFile& file) override;
    Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                   const NewAttributes& attributes) override;
    Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                       std::string_view target,
                                       const NewAttributes& attributes) override;
    Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                 const SpecialFile& special) override;
    /// FileSystem::link() into this directory, and rename() from it; both objects are in one tree.
    Result<void> link(const Caller& caller, std::string_view name, Node& object);
    Result<void> rename(const Caller& caller, std::string_view name, Node& to,
                        std::string_view to_name);

    Result<void> remove(const Caller& caller, std::string_view name) override;
    Result<void> remove_directory(const Caller& caller, std::string_view name) override;

private:
    // All of these but note_access() need the volume's lock.
    [[nodiscard]] bool is_gone() const { return inode_.links == 0; }
    [[nodiscard]] bool is_directory() const { return inode_.type == FileType::directory; }
    /// Needs is_directory().
    [[nodiscard]] Directory& entries() { return std::get<Directory>(inode_.body); }

    /// Whether this may be the name of an entry here.
    [[nodiscard]] Result<void> check_name(std::string_view name) const;
    /// Whether the caller may look up names here.
    [[nodiscard]] Result<void> check_search(const Identity& who) const;
    /// The object that the name stands for, "." and ".." included.
    [[nodiscard]] Result<Node*> resolve(const Identity& who, std::string_view name);

    /// Whether the name is still free.
    [[nodiscard]] Result<void> check_free(const Identity& who, std::string_view name);
    /// check_free(), and whether the caller may add the name.
    [[nodiscard]] Result<void> check_new(const Identity& who, std::string_view name);
    /// Creates a new object for the caller, under a name that check_new() has accepted.
    [[nodiscard]] Result<NodePtr> add_new(const Identity& who, std::string_view name, Inode inode,
                                          NewAttributes wanted);
    /// create() for a name that exists.
    [[nodiscard]] Result<NodePtr> take_existing(const Identity& who, const NewFile& file);

    /// Whether the caller may remove this entry.
    [[nodiscard]] Result<void> check_removal(const Identity& who, const Node& entry) const;
    /// rename() once the names have been checked: whether it is allowed.
    [[nodiscard]] Result<void> check_rename(const Identity& who, Node& moved, Node& to_directory,
                                            Node* replaced);
    [[nodiscard]] bool is_below(const Node& ancestor) const;
    /// The directory that has one of its names, and that name; null if there is none.
    [[nodiscard]] std::pair<const Node*, std::string_view> parent_and_name() const;
    /// One name of this object has gone.
    void drop_link(Time now, Remains& remains);

    /// Whether an object of this type can have these attributes at all.
    [[nodiscard]] static Result<void> check_values(FileType type, const NewAttributes& wanted);
    /// Whether the caller may set them.
    [[nodiscard]] Result<void> check_attributes(const Identity& who,
                                                const NewAttributes& wanted) const;
    /// Whether this caller may set the wanted owner and group, if any.
    [[nodiscard]] bool may_give_to(const Identity& who, const NewAttributes& wanted) const;
    /// Needs attributes that both checks have accepted.
    void apply_attributes(const Identity& who, const NewAttributes& wanted, Time now);

    /// To be called after reading, without the lock: moves the access time if relatime would.
    void note_access();
    [[nodiscard]] bool access_time_is_due() const;

    Volume& volume_;
    Inode inode_;
    HeldLocks held_locks_;
};

}  // namespace berth::vfs::memory
