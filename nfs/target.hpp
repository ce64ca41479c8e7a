// What a file handle in a call stands for, and as whom the caller acts there.
#pragma once

#include "nfs/attributes.hpp"
#include "nfs/types.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/file_system.hpp"
#include "rpc/call.hpp"

namespace berth::nfs {

/// Lives no longer than the call: the identity's groups lie in the call's memory, or in `user`.
struct Target {
    rpc::Call* call = nullptr;
    vfs::Exports::Pin exports;  // what follows lies in there
    const vfs::Export* exported = nullptr;
    const vfs::ExportOptions* options = nullptr;  ///< of this caller there
    vfs::NodePtr node;
    vfs::KnownUserPtr user;
    vfs::Caller caller;

    [[nodiscard]] bool is_read_only() const noexcept { return options->read_only; }
    /// Whether both are of one tree, as clients see it.
    [[nodiscard]] bool is_beside(const Target& other) const noexcept {
        return exported->id == other.exported->id && exported->files == other.exported->files;
    }
    /// Attributes as this caller is to see them.
    [[nodiscard]] Attributes shown(const vfs::Attributes& attributes) const {
        return to_wire(attributes, *exported, *options);
    }
    /// Attributes of now, or none when they can't be had. If having them would mean to wait, the
    /// call is deferred.
    [[nodiscard]] PostOpAttributes attributes() const { return attributes_of(*node); }
    [[nodiscard]] PostOpAttributes attributes_of(vfs::Node& other) const;
    /// For replies to calls that changed nothing: no attributes from before.
    [[nodiscard]] Wcc unchanged() const { return {.before = {}, .after = attributes()}; }
    /// On disk before the reply, if the export promises that for names and attributes (`sync`).
    /// What WRITE and COMMIT promise they keep on every export.
    [[nodiscard]] vfs::Result<void> sync_if_promised() const { return sync_if_promised(*node); }
    [[nodiscard]] vfs::Result<void> sync_if_promised(vfs::Node& other) const;
};

}  // namespace berth::nfs
