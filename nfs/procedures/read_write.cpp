// READ, WRITE, COMMIT: the contents of files.
#include <algorithm>
#include <limits>

#include "nfs/service.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

// The attributes are those from before the data was read. Newer ones would have the client take old
// data for new, and keep it; older ones only make it ask again.
Read::Result Service::read(rpc::Call& call, const Read::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto attributes = file->node->attributes(file->caller.wait);
    if (!attributes) return {fail(call, attributes.error()), {}};
    const auto shown = to_wire(*attributes, *file->exported);
    if (attributes->type == vfs::FileType::directory) return {Status::is_directory, {shown}};
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {shown}};

    const auto left = args.offset < attributes->size ? attributes->size - args.offset : 0;
    const auto asked = std::min(args.count, transfer_bytes_max(call));
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(asked, left));
    const auto buffer = wanted > 0 ? call.memory.bytes(wanted) : std::span<std::byte>{};
    const auto count = file->node->read(file->caller, args.offset, buffer);
    if (!count) return {fail(call, count.error()), {shown}};
    // Shorter than the size had promised: the file has been cut meanwhile, and this is its end.
    const bool is_end = *count < wanted || *count == left;
    return Read::Ok{.attributes = shown,
                    .count = static_cast<std::uint32_t>(*count),
                    .eof = is_end,
                    .data = std::span<const std::byte>{buffer.first(*count)}};
}

Write::Result Service::write(rpc::Call& call, const Write::Args& args) {
    constexpr std::uint64_t end_max = std::numeric_limits<std::int64_t>::max();
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    if (file->is_read_only()) return {Status::read_only, {file->unchanged()}};
    const auto attributes = file->node->attributes(file->caller.wait);
    if (!attributes) return {fail(call, attributes.error()), {}};
    if (attributes->type == vfs::FileType::directory)
        return {Status::is_directory, {file->unchanged()}};
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {file->unchanged()}};
    // A count that differs from the data's length leaves open which was meant.
    if (args.count != args.data.size()) return {Status::invalid, {file->unchanged()}};
    const auto data =
        args.data.bytes().first(std::min<std::size_t>(args.data.size(), transfer_bytes_max(call)));
    if (args.offset > end_max || data.size() > end_max - args.offset)
        return {Status::file_too_big, {file->unchanged()}};

    WccRecorder recorder{*file};
    // From before the data: when a loss is noticed while it is written or synced, the client must
    // not think it is safe.
    const auto verifier = write_verifier(*file->exported->files);
    const auto count = file->node->write(file->caller, args.offset, data);
    auto wcc = recorder.finish();
    if (!count) return {fail(call, count.error()), {std::move(wcc)}};
    if (args.stable != Stable::unstable) {
        const auto what = args.stable == Stable::data_sync ? vfs::Sync::data : vfs::Sync::all;
        if (const auto durable = file->node->sync(what); !durable)
            return {fail(call, durable.error()), {std::move(wcc)}};
    }
    return Write::Ok{.file = std::move(wcc),
                     .count = static_cast<std::uint32_t>(*count),
                     .committed = args.stable,
                     .verifier = verifier};
}

// Whatever the range, all of the file is made durable: more than asked for is allowed, less is not.
// Allowed on a read-only export too, where earlier writes may still be waiting.
Commit::Result Service::commit(rpc::Call& call, const Commit::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto before = file->node->attributes(file->caller.wait);
    if (!before) return {fail(call, before.error()), {}};
    const auto verifier = write_verifier(*file->exported->files);
    const auto durable = file->node->sync(vfs::Sync::data);
    // Nothing is changed by us, so no "before" is claimed that others' writes might belie.
    Wcc wcc = file->unchanged();
    if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    return Commit::Ok{.file = std::move(wcc), .verifier = verifier};
}

}  // namespace berth::nfs
