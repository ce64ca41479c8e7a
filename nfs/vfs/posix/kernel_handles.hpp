// Finds objects by the kernel's own handles: there is next to nothing to remember, and a restart
// loses nothing. Needs CAP_DAC_READ_SEARCH and a file system that supports handles.
//
// The kernel opens a handle wherever its object is. For a directory it knows the way up; for any
// other object it may know none, or one of several names. The way that came with the id then leads
// to a name in the tree, through the directory in which the object was once seen; or a name is
// known because a client has moved the object. After a move the way in its handles is remembered
// too, so that the handles stay the same whichever name a client looks up. An object that no name
// leads to counts as outside the tree.
#pragma once

#include <functional>
#include <string>

#include "nfs/vfs/posix/directory_scans.hpp"
#include "nfs/vfs/posix/locator.hpp"
#include "nfs/vfs/posix/names/moved_objects.hpp"
#include "nfs/vfs/posix/node/cache.hpp"
#include "nfs/vfs/posix/system/object_identity.hpp"

namespace berth::vfs::posix {

class KernelHandles final : public Locator {
public:
    /// A directory of the tree, as long as it lies in the tree.
    using FindDirectory = std::function<Result<Pin>(const ObjectId& id)>;
    /// Opens an entry of a directory as O_PATH, confined to the tree.
    using OpenEntry = std::function<Result<Descriptor>(int directory, const char* name)>;

    /// `root`: the tree's root, open for reading; outlives this. `can_lose`: whether objects can
    /// end up outside the tree. `has_names`: whether the store that is opened may hold names
    /// already.
    KernelHandles(int root, const ObjectIdentity& identity, bool can_lose,
                  FindDirectory find_directory, OpenEntry open_entry,
                  MovedObjects::OpenStore open_store, bool has_names);

    /// Whether the kernel lets this process open the root by its id.
    static Result<void> try_out(int root, const ObjectId& root_id);

    Result<Descriptor> open(const ObjectId& id) override;
    Result<Descriptor> open_by_name(const ObjectId& id, const Way& way,
                                    std::uint64_t inode) override;
    [[nodiscard]] bool wants_names() const override { return false; }
    Result<void> seen(const ObjectId&, const ObjectId&, std::string_view, Patience) override {
        return {};
    }
    void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    [[nodiscard]] bool wants_moves(bool between_directories) const override;
    Result<Way> way_to(const ObjectId& id, const std::optional<Way>& held, const Entry& as,
                       Patience patience) override;
    void moved(const ObjectId& id, const std::optional<Way>& way, const Entry& from,
               const Entry& to) override;
    void linked(const ObjectId& id, const Way& way, const Entry& as) override;
    void synchronize() override { moved_.synchronize(); }
    void sweep() override { scans_.sweep(); }
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] bool survives_restart() const override { return true; }
    [[nodiscard]] std::optional<std::string> trouble() override { return moved_.trouble(); }

private:
    Result<Descriptor> open_verified(int directory, const char* name, const ObjectId& id) const;
    [[nodiscard]] std::optional<ObjectId> kept_way_of(const ObjectId& id);

    const int root_;
    const ObjectIdentity identity_;
    const bool can_lose_;
    const FindDirectory find_directory_;
    const OpenEntry open_entry_;
    DirectoryScans scans_;
    MovedObjects moved_;
};

}  // namespace berth::vfs::posix
