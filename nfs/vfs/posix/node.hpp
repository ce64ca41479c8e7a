// One object of the tree, held by an O_PATH descriptor: whatever happens to its names, calls reach
// this very object. The kernel is asked for everything; nothing about the object but its type is
// kept. Any thread; a call takes the identity that it needs, and gives it back.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/posix/assigned_ids.hpp"
#include "nfs/vfs/posix/data_descriptors.hpp"
#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/listing_descriptors.hpp"
#include "nfs/vfs/posix/name_order.hpp"
#include "nfs/vfs/posix/node_cache.hpp"
#include "nfs/vfs/posix/system.hpp"
#include "nfs/vfs/posix/thread_identity.hpp"
#include "nfs/vfs/posix/volumes.hpp"

namespace berth::vfs::posix {

class Tree;
struct Completion;

class Node final : public vfs::Node {
public:
    /// What the object's descriptor is open for.
    enum class Held : std::uint8_t {
        object,            ///< nothing (O_PATH)
        readable_writable  ///< its contents: a file just created
    };
    /// `mark`: what tells the object from others while it is open, where that is not its id.
    Node(Tree& tree, const ObjectId& id, const Way& way, Descriptor path, FileType type,
         Held held = Held::object, const ObjectId& mark = {});
    ~Node() override;

    [[nodiscard]] ObjectId id() const override { return id_; }
    /// The one that it was first reached by, so that its handle is the same while it is in use.
    [[nodiscard]] Way way() const override { return way_; }
    [[nodiscard]] std::mutex& change_lock() noexcept override { return shared_.change_lock(); }
    Result<Attributes> attributes(Wait wait) override;
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
    Result<void> link(const Caller& caller, std::string_view name, vfs::Node& target) override;
    Result<void> remove(const Caller& caller, std::string_view name) override;
    Result<void> remove_directory(const Caller& caller, std::string_view name) override;
    Result<void> rename(const Caller& caller, std::string_view name, vfs::Node& to_directory,
                        std::string_view to_name) override;
    Result<bool> list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) override;
    Result<Space> space(const Caller& caller) override;
    Result<Limits> limits(const Caller& caller) override;

    [[nodiscard]] int path() const noexcept { return path_.number(); }
    /// Whether it was seen to be in another part of the file system than the root.
    [[nodiscard]] bool is_in_part() const noexcept {
        return is_in_part_.load(std::memory_order_relaxed);
    }
    /// Whether this is the first time in this second that it is asked.
    [[nodiscard]] bool is_due_for_a_look() noexcept;
    /// The look came to nothing: it is due again.
    void look_again() noexcept { looked_at_.store(0, std::memory_order_relaxed); }
    [[nodiscard]] FileType type() const noexcept { return type_; }

    // --- for the cache
    // ------------------------------------------------------------------------------

    [[nodiscard]] const ObjectId& object_id() const noexcept { return id_; }
    [[nodiscard]] std::uint32_t pins() const noexcept { return references(); }
    void mark_used() noexcept { used_.store(true, std::memory_order_relaxed); }
    bool take_used() noexcept { return used_.exchange(false, std::memory_order_relaxed); }
    [[nodiscard]] bool is_deleted() const;
    /// False also when to know would take a network's time.
    [[nodiscard]] bool is_known_deleted() const;
    /// What take_idle() may need; often nothing.
    [[nodiscard]] Descriptor stand_in() const { return data_.stand_in(); }
    /// Only while nobody but its caller and the cache holds the node.
    void take_idle(const Descriptor& stand_in, std::vector<Descriptor>& idle);

private:
    /// A name of this directory, used as the caller while this lives.
    struct Entry {
        EntryName name;
        Acting acting;
    };

    // node.cpp
    [[nodiscard]] Result<struct statx> alive() const;
    [[nodiscard]] std::errc reason(std::errc error) const;
    [[nodiscard]] Result<Attributes> look(const Attributes* seen) const;
    [[nodiscard]] Attributes shown(const struct statx& status) const;
    [[nodiscard]] bool owns(const Caller& caller, const Attributes& now) const;
    Result<void> permit(const Caller& caller, const Attributes& now, unsigned any_of) const;
    [[nodiscard]] bool goes_by_mode(const Caller& caller, const Attributes& now) const;
    [[nodiscard]] bool would_read_access_list(const Caller& caller, const Attributes& now) const;
    [[nodiscard]] bool may(const Caller& caller, const Attributes& now, int permissions) const;
    [[nodiscard]] bool may_execute_elsewhere(const Caller& caller, const Attributes& now) const;

    // node_io.cpp
    Result<std::size_t> read_now(int descriptor, std::uint64_t offset, std::span<std::byte> into,
                                 std::uint64_t size) const;
    Result<void> synchronize(Sync what);
    Result<void> synchronize_unopenable();
    Result<void> synchronize_directory(Sync what);

    // node_attributes.cpp
    Result<void> apply(const Caller& caller, const NewAttributes& wanted, const Attributes& now);
    Result<void> set_size(const Caller& caller, const Attributes& now, std::uint64_t size);
    Result<void> set_owner(const NewAttributes& wanted) const;
    Result<void> set_times(const Caller& caller, const Attributes& now,
                           const NewAttributes& wanted) const;

    // node_directory.cpp
    Result<Entry> entry(const Caller& caller, std::string_view name) const;
    Result<Entry> entry_to_change(const Caller& caller, std::string_view name) const;
    Result<Pin> look_up(const EntryName& name, Wait wait);
    Result<NodePtr> parent(const Caller& caller);
    [[nodiscard]] Listed listed(const ObjectId& id, const struct statx& status) const;
    Result<Listed> peek_by_opening(const EntryName& name, Wait wait) const;
    Result<void> unlink(const Caller& caller, std::string_view name, int flags);

    // node_create.cpp
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
    std::optional<AssignedIds::Holding> held_;  // where its mark is not its id
    const Way way_;
    const Descriptor path_;
    const FileType type_;
    std::atomic<std::int64_t> looked_at_{0};  // in seconds of a clock that is never set
    std::atomic<bool> used_{false};
    std::atomic<bool> link_read_{false};
    mutable std::atomic<bool> is_in_part_{false};
    std::atomic<bool> changed_{false};  // attributes, since the last sync
    // By the kernel, which keeps it with the object that is open here.
    mutable std::atomic<bool> access_list_read_{false};
    DataDescriptors data_;
    ListingDescriptors listings_;
    NameOrder by_name_;      // where the descriptors' positions pass
    Volume::Object shared_;  // with the nodes that other trees have of the same object
};

}  // namespace berth::vfs::posix
