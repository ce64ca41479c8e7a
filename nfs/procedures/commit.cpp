// COMMIT: makes written data durable (RFC 1813 §3.3.21).
#include <utility>

#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

// Makes the whole file durable, whatever the range: more than asked for is allowed, less is not.
// Also allowed on a read-only export, where earlier writes may still be pending.
Commit::Result Service::commit(rpc::Call& call, const Commit::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto attributes = file->node->attributes(file->caller.patience);
    if (!attributes) return {fail(call, attributes.error()), {}};
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {file->unchanged()}};
    const auto durable = file->node->sync(vfs::Sync::data);
    // COMMIT changes nothing, so it claims no "before", which writes of others could contradict.
    auto wcc = file->unchanged();
    if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    // Read after the sync, so that it includes losses that another sync was told of.
    return Commit::Ok{.file = std::move(wcc),
                      .verifier = write_verifier(file->exported->files->losses())};
}

}  // namespace berth::nfs
