// READ: data from files.
#include <algorithm>
#include <limits>

#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

namespace {

bool is_end(const Target& file, std::uint64_t offset) {
    const auto now = file.node->attributes(file.caller.wait);
    return now && offset >= now->size;
}

}  // namespace

// The attributes are those from before the data was read. Newer ones would have the client take old
// data for new, and keep it; older ones only make it ask again.
Read::Result Service::read(rpc::Call& call, const Read::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto attributes = file->node->attributes(file->caller.wait);
    if (!attributes) return {fail(call, attributes.error()), {}};
    const auto shown = file->shown(*attributes);
    // RFC 1813 §3.3.6 says so of directories too.
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {shown}};
    if (args.count > std::numeric_limits<std::uint64_t>::max() - args.offset)
        return {Status::invalid, {shown}};

    const auto left = args.offset < attributes->size ? attributes->size - args.offset : 0;
    const auto asked = std::min(args.count, transfer_bytes_max(call));
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(asked, left));
    const auto buffer = wanted > 0 ? call.memory.bytes(wanted) : std::span<std::byte>{};
    const auto count = file->node->read(file->caller, args.offset, buffer, &*attributes);
    if (!count) return {fail(call, count.error()), {shown}};
    // Shorter than the size had promised: the file has been cut meanwhile, and this is its end; or
    // what comes next can't be read, which the client is to be told when it asks for it. Beyond an
    // end it would take it for zeros.
    const bool is_short = *count < wanted;
    const bool has_ended =
        is_short ? *count == 0 || is_end(*file, args.offset + *count) : *count == left;
    return Read::Ok{.attributes = shown,
                    .count = static_cast<std::uint32_t>(*count),
                    .eof = has_ended,
                    .data = std::span<const std::byte>{buffer.first(*count)}};
}

}  // namespace berth::nfs
