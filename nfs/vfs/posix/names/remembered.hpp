// Finds objects by the names that they were seen under, for processes and file systems that cannot
// open handles. Every step is verified: a name that now means another object is not followed, and
// the object's other names are tried.
#pragma once

#include <functional>
#include <memory>

#include "nfs/vfs/posix/locator.hpp"
#include "nfs/vfs/posix/names/store.hpp"

namespace berth::vfs::posix {

class RememberedNames final : public Locator {
public:
    /// Opens an entry of a directory as O_PATH, confined to the tree.
    using OpenEntry = std::function<Result<Descriptor>(int directory, const char* name)>;

    using IsId = std::function<bool(const ObjectId& id)>;
    /// Whether what was opened at a place is the object with this id.
    using IsObject =
        std::function<Result<bool>(int opened, const ObjectId& id, const Place& place)>;

    /// `root` outlives this. `reason`: why the kernel's handles are not used.
    RememberedNames(int root, const ObjectId& root_id, IsId is_id, OpenEntry open_entry,
                    IsObject is_object, std::unique_ptr<NameStore> store, std::string reason);

    Result<Descriptor> open(const ObjectId& id) override;
    [[nodiscard]] std::optional<ObjectId> directory_of(const ObjectId& id) override;
    Result<Descriptor> open_by_name(const ObjectId& id, const Way& /*way*/,
                                    std::uint64_t /*inode*/) override {
        return open(id);
    }
    [[nodiscard]] bool wants_names() const override { return true; }
    Result<void> seen(const ObjectId& id, const ObjectId& directory, std::string_view name,
                      Patience patience) override;
    void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    /// The store reports a failure as trouble; it is no reason for a call to fail.
    void synchronize() override { static_cast<void>(store_->synchronize()); }
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] bool survives_restart() const override { return store_->survives_restart(); }
    [[nodiscard]] std::optional<std::string> trouble() override { return store_->trouble(); }

private:
    class Search;

    Result<Descriptor> open_verified(int directory, const ObjectId& id, const Place& place);

    const int root_;
    const ObjectId root_id_;
    const IsId is_id_;
    const OpenEntry open_entry_;
    const IsObject is_object_;
    const std::unique_ptr<NameStore> store_;
    const std::string reason_;
};

}  // namespace berth::vfs::posix
