// Finds objects by the kernel's own handles: nothing to remember, and nothing lost in a restart.
// Needs CAP_DAC_READ_SEARCH and a file system that knows handles.
#pragma once

#include "nfs/vfs/posix/locator.hpp"

namespace berth::vfs::posix {

class KernelHandles final : public Locator {
public:
    /// `root`: the tree's root, open for reading; outlives this.
    explicit KernelHandles(int root) : root_(root) {}

    /// Whether the kernel lets this process open the root by its id.
    static Result<void> try_out(int root, const ObjectId& root_id);

    Result<Descriptor> open(const ObjectId& id) override;
    [[nodiscard]] bool wants_names() const override { return false; }
    Result<void> seen(const ObjectId&, const ObjectId&, std::string_view, Wait) override {
        return {};
    }
    void unlinked(const ObjectId&, const ObjectId&, std::string_view) override {}
    [[nodiscard]] std::string describe() const override;

private:
    int root_;
};

}  // namespace berth::vfs::posix
