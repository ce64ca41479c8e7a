// READDIR and READDIRPLUS: listings under byte budgets.
#include <algorithm>
#include <array>

#include "nfs/service.hpp"
#include "xdr/codec.hpp"

namespace berth::nfs {

namespace {

// Cookies are the file system's own positions and stay good for ever, so there is one verifier for
// all, the same after a restart. One that changed with the directory would make clients start again
// whenever anything is created.
constexpr Verifier cookie_verifier{std::byte{'b'}, std::byte{'e'}, std::byte{'r'}, std::byte{'t'},
                                   std::byte{'h'}, std::byte{0},   std::byte{0},   std::byte{1}};

// Sizes on the wire, RFC 4506: of what surrounds the entries and of an entry without its name.
constexpr std::size_t attributes_bytes = 84;
constexpr std::size_t optional_bytes = 4;
constexpr std::size_t frame_bytes =
    optional_bytes + attributes_bytes + 8 /*verifier*/ + 4 /*end*/ + 4 /*eof*/;

std::size_t text_bytes(std::size_t length) {
    return 4 + length + xdr::padding(length);
}
/// fileid, name and cookie: what READDIRPLUS's dircount counts.
std::size_t naming_bytes(std::string_view name) {
    return 8 + text_bytes(name.size()) + 8;
}

/// Entries as they were met, names in the call's memory.
struct Found {
    std::vector<vfs::DirectoryEntry> entries;
    bool is_end = false;
    bool has_left_one_out = false;  ///< because of the budget, although no entry had been taken
};

/// Lists as long as `fits` takes the entry.
template <class Fits>
vfs::Result<Found> list(rpc::Call& call, const Target& directory, std::uint64_t cookie, Fits fits) {
    Found found;
    const auto is_end =
        directory.node->list(directory.caller, cookie, [&](const vfs::DirectoryEntry& entry) {
            if (!fits(entry)) {
                found.has_left_one_out = found.entries.empty();
                return false;
            }
            found.entries.push_back({entry.fileid, call.memory.copy(entry.name), entry.cookie});
            return true;
        });
    if (!is_end) return is_end.error();
    found.is_end = *is_end;
    return found;
}

}  // namespace

ReadDirectory::Result Service::read_directory(rpc::Call& call, const ReadDirectory::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    if (args.cookie != 0 && args.verifier != cookie_verifier)
        return {Status::bad_cookie, {attributes}};

    const std::size_t budget = std::min(args.count, transfer_bytes_max(call));
    if (budget < frame_bytes) return {Status::too_small, {attributes}};
    std::size_t used = frame_bytes;
    const auto found = list(call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
        const auto bytes = optional_bytes + naming_bytes(entry.name);
        if (bytes > budget - used) return false;
        used += bytes;
        return true;
    });
    if (!found) return {fail(call, found.error()), {attributes}};
    if (found->has_left_one_out) return {Status::too_small, {attributes}};
    ReadDirectory::Ok ok{.attributes = std::move(attributes),
                         .verifier = cookie_verifier,
                         .entries = {},
                         .eof = found->is_end};
    ok.entries.items.reserve(found->entries.size());
    for (const auto& entry : found->entries)
        ok.entries.items.push_back({entry.fileid, entry.name, entry.cookie});
    return ok;
}

ReadDirectoryPlus::Result Service::read_directory_plus(rpc::Call& call,
                                                       const ReadDirectoryPlus::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    if (args.cookie != 0 && args.verifier != cookie_verifier)
        return {Status::bad_cookie, {attributes}};

    const std::size_t budget = std::min(args.count_max, transfer_bytes_max(call));
    if (budget < frame_bytes) return {Status::too_small, {attributes}};
    // How large an entry becomes is known when its object has been looked at. Until then its handle
    // is taken to be as long as the directory's, which it is on most file systems; the exact bytes
    // are counted below. The first entry is taken in any case: some clients ask with a dircount of
    // 0.
    const auto own_handle_bytes = text_bytes(args.directory.size());
    std::size_t estimated = frame_bytes;
    std::size_t named = 0;
    const auto found = list(call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
        const auto naming = naming_bytes(entry.name);
        const auto bytes = optional_bytes + naming + optional_bytes + attributes_bytes +
                           optional_bytes + own_handle_bytes;
        const bool is_first = estimated == frame_bytes;
        if (!is_first &&
            (bytes > budget - std::min(budget, estimated) ||
             naming > args.directory_count - std::min<std::size_t>(named, args.directory_count)))
            return false;
        estimated += bytes;
        named += naming;
        return true;
    });
    if (!found) return {fail(call, found.error()), {attributes}};

    ReadDirectoryPlus::Ok ok{.attributes = std::move(attributes),
                             .verifier = cookie_verifier,
                             .entries = {},
                             .eof = found->is_end};
    ok.entries.items.reserve(found->entries.size());
    std::size_t used = frame_bytes;
    for (const auto& entry : found->entries) {
        ReadDirectoryPlus::Item item{.fileid = entry.fileid,
                                     .name = entry.name,
                                     .cookie = entry.cookie,
                                     .attributes = {},
                                     .object = {}};
        // Gone meanwhile, not to be looked at by this caller, or where another file system is
        // mounted: just the name.
        if (const auto listed = directory->node->peek(directory->caller, entry.name)) {
            item.attributes = to_wire(listed->attributes, *directory->exported);
            item.object = seal(call, *directory->exported, listed->id);
            // Clients take an entry whose two numbers differ for the root of another file system.
            item.fileid = listed->attributes.fileid;
        }
        const auto bytes = optional_bytes + xdr::encoded_bytes(item);
        if (bytes > budget - used) {
            ok.eof = false;
            break;
        }
        used += bytes;
        ok.entries.items.push_back(std::move(item));
    }
    if (ok.entries.items.empty() && !found->entries.empty())
        return {Status::too_small, {std::move(ok.attributes)}};
    return ok;
}

}  // namespace berth::nfs
