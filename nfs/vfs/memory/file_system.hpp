// The tree as a whole.
#pragma once

#include <string_view>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/memory/volume.hpp"

namespace berth::vfs::memory {

class Node;

class FileSystem final : public vfs::FileSystem {
public:
    explicit FileSystem(const Options& options);

    using vfs::FileSystem::find;
    using vfs::FileSystem::root;
    Result<NodePtr> root(Patience patience) override;
    Result<NodePtr> find(const ObjectId& id, const Way& way, Patience patience) override;
    Result<void> link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                      std::string_view name) override;
    Result<void> rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                        vfs::Node& to, std::string_view to_name) override;
    [[nodiscard]] Limits limits() const override { return volume_.limits(); }
    [[nodiscard]] std::uint64_t losses() const override { return 0; }

private:
    /// The tree's own node behind one that a caller holds. stale if its object is gone;
    /// cross_device_link if it belongs to another tree.
    Result<Node*> own(const vfs::Node& node);

    Volume volume_;
    Node* root_;
};

}  // namespace berth::vfs::memory
