#include "nfs/access/resolver.hpp"

#include <algorithm>
#include <utility>

#include "nfs/access/caller.hpp"
#include "nfs/access/patience.hpp"
#include "nfs/vfs/kept_identity.hpp"
#include "rpc/batch.hpp"

namespace berth::access {

vfs::Result<exports::Permit> Resolver::admit(rpc::Call& call, exports::ExportId id) const {
    const auto wait = wait_for_names(call.patience);
    auto permit = exports_.admit(id, origin_of(call), claim_of(call), wait, &call);
    if (permit) {
        permit->caller.wait = wait_for_files(call.patience);
    } else if (permit.error() == vfs::would_block) {
        if (wait == vfs::Wait::yes)
            call.forget_reply();
        else
            call.defer();
    }
    return permit;
}

vfs::Result<Admitted> Resolver::admit(rpc::Call& call, std::span<const std::byte> handle) const {
    const auto opened = sealer_.open(handle);
    if (!opened) return opened.error();
    auto permit = admit(call, opened->export_id);
    if (!permit) return permit.error();
    return Admitted{*std::move(permit), *opened};
}

vfs::Result<vfs::NodePtr> Resolver::find(const exports::Permit& permit,
                                         const exports::OpenedHandle& named) {
    auto node = permit.exported->files->find(named.object, named.way, permit.caller.wait);
    // The seal is ours, so it was valid for what was exported here before.
    if (!node && node.error() == std::errc::invalid_argument) return vfs::stale;
    return node;
}

void Resolver::keep_identity() {
    if (rpc::Batch::may_keep(vfs::give_identity_back)) vfs::keep_identity();
}

std::span<const std::byte> Resolver::seal(rpc::Call& call, const exports::Export& exported,
                                          const vfs::ObjectId& object, const vfs::Way& way) const {
    return keep(call, sealer_.seal(exported.id, object, way));
}

std::span<const std::byte> keep(rpc::Call& call, const exports::Handle& handle) {
    const auto kept = call.memory.bytes(handle.bytes().size());
    std::ranges::copy(handle.bytes(), kept.begin());
    return kept;
}

}  // namespace berth::access
