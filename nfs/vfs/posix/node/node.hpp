// One object of the tree, held by an O_PATH descriptor: whatever happens to its names, calls reach
// this very object. The node asks the kernel for everything and keeps only the object's type. Any
// thread; each call takes on the identity that it needs, and drops it afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/posix/names/assigned_ids.hpp"
#include "nfs/vfs/posix/node/cache.hpp"
#include "nfs/vfs/posix/node/data_descriptors.hpp"
#include "nfs/vfs/posix/node/listing_descriptors.hpp"
#include "nfs/vfs/posix/node/name_order.hpp"
#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"
#include "nfs/vfs/posix/volumes.hpp"

namespace berth::vfs::posix {

class Tree;
struct Completion;

class Node final : public vfs::Node {
public:
    /// The access mode of the object's descriptor.
    enum class Held : std::uint8_t {
        object,            ///< nothing (O_PATH)
        readable_writable  ///< its contents: a file just created
    };
    /// `mark`: identifies the object among open ones, if its id does not.
    Node(Tree& tree, const ObjectId& id, const Way& way, Descriptor path, FileType type,
         Held held = Held::object, const ObjectId& mark = {});
    ~Node() override;

    [[nodiscard]] ObjectId id() const override { return id_; }
    /// The way that the object was first reached by, so that its handle stays the same while in
    /// use.
    [[nodiscard]] Way way() const override { return way_; }
    [[nodiscard]] std::string place() const override;
    [[nodiscard]] std::mutex& change_lock() noexcept override { return shared_.change_lock(); }
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
    Result<void> act_as(const Caller& caller, const Work& work) override;
    Result<NodePtr> create(const Caller& caller, std::string_view name,
                           const NewFile& file) override;
    Result<NodePtr> make_directory(const Caller& caller, std::string_view name,
                                   const NewAttributes& attributes) override;
    Result<NodePtr> make_symbolic_link(const Caller& caller, std::string_view name,
                                       std::string_view target,
                                       const NewAttributes& attributes) override;
    Result<NodePtr> make_special(const Caller& caller, std::string_view name,
                                 const SpecialFile& special) override;
    Result<void> remove(const Caller& caller, std::string_view name) override;
    Result<void> remove_directory(const Caller& caller, std::string_view name) override;
    Result<bool> list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) override;
    Result<Space> space(const Caller& caller) override;
    Result<Limits> limits(const Caller& caller) override;

    /// FileSystem::link() into this directory, and rename() from it; both objects are of one tree.
    Result<void> link(const Caller& caller, std::string_view name, Node& object);
    Result<void> rename(const Caller& caller, std::string_view name, Node& target,
                        std::string_view to_name);

    [[nodiscard]] int path() const noexcept { return path_.number(); }
    /// Whether the object was seen in a part of the file system other than the root's.
    [[nodiscard]] bool is_in_part() const noexcept {
        return is_in_part_.load(std::memory_order_relaxed);
    }
    /// Whether this is the first call in this second.
    [[nodiscard]] bool is_due_for_a_look() noexcept;
    /// The look gave no result: the node is due again.
    void look_again() noexcept { looked_at_.store(0, std::memory_order_relaxed); }
    [[nodiscard]] FileType type() const noexcept { return type_; }

    // --- for the cache

    [[nodiscard]] const ObjectId& object_id() const noexcept { return id_; }
    [[nodiscard]] std::uint32_t pins() const noexcept { return references(); }
    void mark_used() noexcept { used_.store(true, std::memory_order_relaxed); }
    bool take_used() noexcept { return used_.exchange(false, std::memory_order_relaxed); }
    [[nodiscard]] bool is_deleted() const;
    /// False also if finding out would take a network round trip.
    [[nodiscard]] bool is_known_deleted() const;
    /// A descriptor that take_idle() may need; often none.
    [[nodiscard]] Descriptor stand_in() const { return data_.stand_in(); }
    /// Only while nobody but the caller and the cache holds the node.
    void take_idle(const Descriptor& stand_in, std::vector<Descriptor>& idle);

private:
    /// A name in this directory; the thread acts as the caller while this lives.
    struct Entry {
        EntryName name;
        Acting acting;
    };

    // node.cpp
    Result<void> alive(struct statx& found) const;
    [[nodiscard]] bool is_another(const struct statx& found) const noexcept;
    [[nodiscard]] Result<void> alive() const;
    [[nodiscard]] std::errc reason(std::errc error) const;
    [[nodiscard]] Result<Attributes> look(const Attributes* seen) const;
    [[nodiscard]] Attributes shown(const struct statx& status) const;
    [[nodiscard]] bool owns(const Caller& caller, const Attributes& now) const;
    Result<void> permit(const Caller& caller, const Attributes& now, unsigned any_of) const;
    [[nodiscard]] bool goes_by_mode(const Caller& caller, const Attributes& now) const;
    [[nodiscard]] bool would_read_access_list(const Caller& caller, const Attributes& now) const;
    [[nodiscard]] bool may(const Caller& caller, const Attributes& now, int permissions) const;
    [[nodiscard]] bool may_execute_elsewhere(const Caller& caller, const Attributes& now) const;

    // io.cpp
    Result<std::size_t> read_now(int descriptor, std::uint64_t offset, std::span<std::byte> into,
                                 std::uint64_t size) const;
    Result<void> synchronize(Sync what);
    Result<void> synchronize_unopenable();
    Result<void> synchronize_directory(Sync what);

    // attributes.cpp
    Result<void> apply(const Caller& caller, const NewAttributes& wanted, const Attributes& now);
    Result<void> set_size(const Caller& caller, const Attributes& now, std::uint64_t size);
    Result<void> set_owner(const NewAttributes& wanted) const;
    Result<void> set_times(const Caller& caller, const Attributes& now,
                           const NewAttributes& wanted) const;

    // directory.cpp
    Result<Entry> entry(const Caller& caller, std::string_view name) const;
    Result<Entry> entry_to_change(const Caller& caller, std::string_view name) const;
    Result<Pin> look_up(const EntryName& name, Patience patience);
    Result<NodePtr> parent(const Caller& caller);
    [[nodiscard]] Result<Listed> listed(const ObjectId& id, const EntryName& name,
                                        const struct statx& status, Patience patience) const;
    Result<Listed> peek_by_opening(const EntryName& name, Patience patience) const;
    Result<void> unlink(const Caller& caller, std::string_view name, int flags);

    // create.cpp
    Result<NodePtr> take_existing(const Caller& caller, const EntryName& name, const NewFile& file);
    [[nodiscard]] Result<Descriptor> make_file(const EntryName& name, mode_t mode,
                                               const Completion& completion) const;
    Result<NodePtr> make_unopened(const Caller& caller, const EntryName& name, FileType type,
                                  const NewAttributes& attributes,
                                  const std::function<int(const char* name)>& make);
    void undo_unopened(const Caller& caller, const char* name, FileType type,
                       const timespec& before) const;
    void undo(const char* name, FileType type, const struct statx& made) const;
    Result<NodePtr> adopt_new(const EntryName& name, Descriptor made, FileType type);

    // listing.cpp
    Result<Descriptor> open_listing() const;
    Result<bool> list_by_position(std::uint64_t cookie, std::uint64_t own_fileid,
                                  const TakeEntry& take);
    Result<bool> list_through(ListingDescriptors::Positioned& through, std::uint64_t cookie,
                              std::uint64_t own_fileid, const TakeEntry& take) const;

    Tree& tree_;
    const ObjectId id_;
    std::optional<AssignedIds::Holding> held_;  // if its mark is not its id
    const Way way_;
    const Descriptor path_;
    const FileType type_;
    std::atomic<std::int64_t> looked_at_{0};  // in seconds of a monotonic clock
    std::atomic<bool> used_{false};
    std::atomic<bool> link_read_{false};
    mutable std::atomic<bool> is_in_part_{false};
    mutable std::atomic<std::uint64_t> inode_{0};  // as it was first seen; 0: not yet
    std::atomic<bool> changed_{false};             // attributes, since the last sync
    // Whether the kernel has read the list, which it keeps with the object that is open here.
    mutable std::atomic<bool> access_list_read_{false};
    DataDescriptors data_;
    ListingDescriptors listings_;
    NameOrder by_name_;      // for directories whose positions pass
    Volume::Object shared_;  // shared with other trees' nodes of the same object
};

}  // namespace berth::vfs::posix
