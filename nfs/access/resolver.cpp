#include "nfs/access/resolver.hpp"

#include <cstring>
#include <utility>

#include "nfs/access/caller.hpp"
#include "nfs/access/patience.hpp"
#include "nfs/access/refused_calls.hpp"
#include "nfs/vfs/kept_identity.hpp"
#include "rpc/batch.hpp"

namespace berth::access {

vfs::Result<exports::Permit> Resolver::admit(rpc::Call& call, exports::ExportId id) const {
    const auto patience = patience_of(call);
    auto permit = exports_.admit(id, origin_of(call), claim_of(call), patience, &call);
    if (permit) {
        permit->caller.patience = patience;
    } else if (permit.error() == vfs::would_block) {
        if (patience == vfs::Patience::ample)
            call.forget_reply();
        else
            call.defer();
    }
    return permit;
}

vfs::Result<Admitted> Resolver::admit(rpc::Call& call, std::span<const std::byte> handle) const {
    const auto opened = sealer_.open(handle);
    if (!opened) return refused(call, opened.error());
    auto permit = admit(call, opened->export_id);
    if (!permit) return refused(call, opened->export_id, permit.error());
    return Admitted{*std::move(permit), *opened};
}

std::errc Resolver::refused(const rpc::Call& call, std::errc error) noexcept {
    if (error == vfs::bad_handle) tell_unknown_handle(call);
    return error;
}

std::errc Resolver::refused(const rpc::Call& call, exports::ExportId id,
                            std::errc error) const noexcept {
    tell_refused(call, exports_, id, error);
    return error;
}

vfs::Result<vfs::NodePtr> Resolver::find(const exports::Permit& permit,
                                         const exports::OpenedHandle& named) {
    auto node = permit.exported->files->find(named.object, named.way, permit.caller.patience);
    // The seal is ours, so it was valid for what was exported here before.
    if (!node && node.error() == std::errc::invalid_argument) return vfs::stale;
    return node;
}

void Resolver::keep_identity() {
    static constexpr rpc::Batch::Kept identity{.give_back = vfs::give_identity_back,
                                               .is_anything = vfs::is_identity_kept,
                                               .uses = vfs::identity_uses};
    if (rpc::Batch::may_keep(identity)) vfs::keep_identity();
}

std::span<const std::byte> Resolver::seal(rpc::Call& call, const exports::Export& exported,
                                          const vfs::ObjectId& object, const vfs::Way& way) const {
    return keep(call, sealer_.seal(exported.id, object, way));
}

std::span<const std::byte> keep(rpc::Call& call, const exports::Handle& handle) {
    const auto kept = call.memory.bytes(handle.bytes().size());
    std::memcpy(kept.data(), handle.bytes().data(), kept.size());
    return kept;
}

}  // namespace berth::access
