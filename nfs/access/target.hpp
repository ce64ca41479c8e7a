// The object that a handle in a call names, and the caller that acts there. Neither outlives the
// call: the groups of the identity lie in the call's memory, or in `user`.
#pragma once

#include <utility>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/vfs/file_system.hpp"
#include "rpc/call.hpp"

namespace berth::access {

/// A caller that may use the export of a handle. Whether the object exists is not known yet.
struct Admitted : exports::Permit {
    exports::OpenedHandle named;
};

struct Target : exports::Permit {
    Target(exports::Permit&& permit, rpc::Call& in_call, vfs::NodePtr object) noexcept
        : exports::Permit{std::move(permit)},
          call(&in_call),
          node(std::move(object)) {}

    rpc::Call* call;
    vfs::NodePtr node;

    [[nodiscard]] bool is_read_only() const noexcept { return options->read_only; }
    /// Whether both are in one tree, as clients see it.
    [[nodiscard]] bool is_beside(const Target& other) const noexcept {
        return exported->id == other.exported->id && exported->files == other.exported->files;
    }
    /// Puts it on disk before the reply, if the export promises that for names and attributes
    /// (`sync`). WRITE and COMMIT keep their promises on every export.
    [[nodiscard]] vfs::Result<void> sync_if_promised() const { return sync_if_promised(*node); }
    [[nodiscard]] vfs::Result<void> sync_if_promised(vfs::Node& other) const {
        if (!options->sync) return {};
        return other.sync(vfs::Sync::all);
    }
};

}  // namespace berth::access
