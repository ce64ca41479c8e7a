// WRITE, COMMIT: data into files, and onto the disk.
#include <algorithm>
#include <limits>

#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

namespace {

/// What the data of a WRITE and its place must be, or why not.
std::optional<Status> refuse_write(const Write::Args& args, vfs::FileType type) {
    constexpr std::uint64_t end_max = std::numeric_limits<std::int64_t>::max();
    // RFC 1813 §3.3.7 says so of directories too.
    if (type != vfs::FileType::regular) return Status::invalid;
    // A count that differs from the data's length leaves open which was meant.
    if (args.count != args.data.size()) return Status::invalid;
    if (args.offset > end_max || args.count > end_max - args.offset) return Status::file_too_big;
    return {};
}

}  // namespace

Write::Result Service::write(rpc::Call& call, const Write::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    if (args.stable != Stable::unstable && call.patience != rpc::Patience::ample) {
        call.defer();
        return {Status::jukebox, {}};
    }
    if (file->is_read_only()) return {Status::read_only, {file->unchanged()}};
    WccRecorder recorder{*file};
    const auto& before = recorder.before();
    if (!before) return {fail(call, before.error()), {}};
    if (const auto refused = refuse_write(args, before->type))
        return {*refused, {file->unchanged()}};
    const auto data =
        args.data.bytes().first(std::min<std::size_t>(args.count, transfer_bytes_max(call)));
    // From before the data: if it is lost at once, the client is to see another one at COMMIT.
    const auto& files = *file->exported->files;
    const auto losses = files.losses();
    const auto count = file->node->write(file->caller, args.offset, data, &*before);
    auto wcc = recorder.finish();
    if (!count) return {fail(call, count.error()), {std::move(wcc)}};
    if (args.stable != Stable::unstable) {
        const auto what = args.stable == Stable::data_sync ? vfs::Sync::data : vfs::Sync::all;
        auto durable = file->node->sync(what);
        // The kernel reports lost data once. If another's sync was told, this data may have been
        // part of it although our own sync went well; the client has to send it again.
        if (durable && files.losses() != losses)
            durable = std::errc::resource_unavailable_try_again;
        if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    }
    return Write::Ok{.file = std::move(wcc),
                     .count = static_cast<std::uint32_t>(*count),
                     .committed = args.stable,
                     .verifier = write_verifier(losses)};
}

// Whatever the range, all of the file is made durable: more than asked for is allowed, less is not.
// Allowed on a read-only export too, where earlier writes may still be waiting.
Commit::Result Service::commit(rpc::Call& call, const Commit::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto attributes = file->node->attributes(file->caller.wait);
    if (!attributes) return {fail(call, attributes.error()), {}};
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {file->unchanged()}};
    const auto durable = file->node->sync(vfs::Sync::data);
    // Nothing is changed by us, so no "before" is claimed that others' writes might belie.
    auto wcc = file->unchanged();
    if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    // From after the sync: a loss that another's sync was told of has to show.
    return Commit::Ok{.file = std::move(wcc),
                      .verifier = write_verifier(file->exported->files->losses())};
}

}  // namespace berth::nfs
