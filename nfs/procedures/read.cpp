// READ: reads data from files (RFC 1813 §3.3.6).
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <random>

#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "rpc/call_key.hpp"
#include "rpc/correspondents.hpp"

namespace berth::nfs {

namespace {

bool is_end(const Target& file, std::uint64_t offset) {
    const auto now = file.node->attributes(file.caller.patience);
    return now && offset >= now->size;
}

/// Identifies a place in a file; valid in this process only.
std::uint64_t token_of(const FileHandle& file, std::uint64_t offset) {
    constexpr std::size_t handle_bytes_max = 64;
    std::array<std::byte, handle_bytes_max + sizeof offset> place{};
    std::ranges::copy(file.bytes(), place.begin());
    std::memcpy(place.data() + handle_bytes_max, &offset, sizeof offset);
    return rpc::body_checksum(place);
}

/// How a caller proves over UDP that it receives replies: if a reply has no room for everything
/// that was asked for, it holds a part of random length, and clients go on from where that ends.
class Continuation {
public:
    Continuation(rpc::Call& call, const Read::Args& args) : call_(call), args_(args) {
        if (is_possible())
            call.link =
                std::max(call.link, call.correspondents->taken_up(
                                        call.caller.address, token_of(args.file, args.offset)));
    }

    /// How many of `wanted` bytes to return if the reply has room for `room`.
    std::size_t cut(std::size_t wanted, std::size_t room) {
        is_cut_ = wanted > room && is_possible() && room > 0;
        if (!is_cut_) return std::min(wanted, room);
        return room - std::random_device{}() % ((room + 1) / 2);
    }
    /// The reply ends at this offset.
    void ends_at(std::uint64_t offset) {
        if (is_cut_)
            call_.correspondents->given_out(call_.caller.address, token_of(args_.file, offset),
                                            call_.link);
    }

private:
    [[nodiscard]] bool is_possible() const {
        return call_.correspondents != nullptr && call_.reply_bytes_max != rpc::Call::no_limit;
    }

    rpc::Call& call_;
    const Read::Args& args_;
    bool is_cut_ = false;
};

}  // namespace

// The attributes are from before the data was read. With newer ones the client would take old data
// for new and keep it; older ones only make it ask again.
Read::Result Service::read(rpc::Call& call, const Read::Args& args) {
    const auto file = open(call, args.file);
    if (!file) return {fail(call, file.error()), {}};
    const auto attributes = file->node->attributes(file->caller.patience);
    if (!attributes) return {fail(call, attributes.error()), {}};
    const auto shown = file->shown(*attributes);
    // RFC 1813 §3.3.6 requires this status for directories too.
    if (attributes->type != vfs::FileType::regular) return {Status::invalid, {shown}};
    if (args.count > std::numeric_limits<std::uint64_t>::max() - args.offset)
        return {Status::invalid, {shown}};

    const auto left = args.offset < attributes->size ? attributes->size - args.offset : 0;
    const auto asked = std::min(args.count, transfer_bytes_max(call));
    Continuation continuation{call, args};
    const auto wanted = continuation.cut(
        static_cast<std::size_t>(std::min<std::uint64_t>(asked, left)), answer_bytes_max(call));
    const auto buffer = wanted > 0 ? call.memory.bytes(wanted) : std::span<std::byte>{};
    const auto count = file->node->read(file->caller, args.offset, buffer, &*attributes);
    if (!count) return {fail(call, count.error()), {shown}};
    // Fewer bytes than the size had promised: the file was truncated meanwhile and ends here, or
    // the next bytes can't be read. The client must get that error when it asks for them; past an
    // end of file it would take them for zeros.
    const bool is_short = *count < wanted;
    const bool has_ended =
        is_short ? *count == 0 || is_end(*file, args.offset + *count) : *count == left;
    continuation.ends_at(args.offset + *count);
    return Read::Ok{.attributes = shown,
                    .count = static_cast<std::uint32_t>(*count),
                    .eof = has_ended,
                    .data = std::span<const std::byte>{buffer.first(*count)}};
}

}  // namespace berth::nfs
