// The tree as a whole.
#pragma once

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
    Result<NodePtr> root(Wait wait) override;
    Result<NodePtr> find(const ObjectId& id, Wait wait) override;
    [[nodiscard]] Limits limits() const override { return volume_.limits(); }
    [[nodiscard]] std::uint64_t losses() const override { return 0; }

private:
    Volume volume_;
    Node* root_;
};

}  // namespace berth::vfs::memory
