// WRITE: writes data to a file (RFC 1813 §3.3.7).
#include <algorithm>
#include <limits>
#include <optional>

#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

namespace {

/// Why a WRITE with these arguments is refused; empty if it is not.
std::optional<Status> refuse_write(const Write::Args& args, vfs::FileType type) {
    constexpr std::uint64_t end_max = std::numeric_limits<std::int64_t>::max();
    // RFC 1813 §3.3.7 requires this status for directories too.
    if (type != vfs::FileType::regular) return Status::invalid;
    // If the count differs from the data's length, it is unclear which was intended.
    if (args.count != args.data.size()) return Status::invalid;
    if (args.offset > end_max || args.count > end_max - args.offset) return Status::file_too_big;
    return {};
}

}  // namespace

Write::Result Service::write(rpc::Call& call, const Write::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    if (args.stable != Stable::unstable && file->caller.patience != vfs::Patience::ample) {
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
    // Read before the data is written: if the data is lost at once, COMMIT must return another
    // verifier.
    const auto& files = *file->exported->files;
    const auto losses = files.losses();
    const auto count = file->node->write(file->caller, args.offset, data, &*before);
    auto wcc = recorder.finish();
    if (!count) return {fail(call, count.error()), {std::move(wcc)}};
    if (args.stable != Stable::unstable) {
        const auto what = args.stable == Stable::data_sync ? vfs::Sync::data : vfs::Sync::all;
        auto durable = file->node->sync(what);
        // The kernel reports lost data only once. If another sync got the report, this data may be
        // part of the loss although our own sync succeeded; the client must send it again.
        if (durable && files.losses() != losses)
            durable = std::errc::resource_unavailable_try_again;
        if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    }
    return Write::Ok{.file = std::move(wcc),
                     .count = static_cast<std::uint32_t>(*count),
                     .committed = args.stable,
                     .verifier = write_verifier(losses)};
}

}  // namespace berth::nfs
