// READDIRPLUS: lists names in a directory and describes their objects (RFC 1813 §3.3.17).
#include <algorithm>
#include <utility>

#include "nfs/procedures/listing.hpp"

namespace berth::nfs {

void Service::describe(rpc::Call& call, const Target& directory,
                       ReadDirectoryPlus::Item& item) const {
    const auto beyond = cross(call, directory, item.name);
    if (!beyond) return;
    if (const auto& there = *beyond) {
        // The entry keeps the fileid of the directory that is mounted over, so that clients notice
        // the mount.
        item.attributes = there->attributes();
        item.object = seal(call, *there->exported, *there->node);
        return;
    }
    const auto listed = directory.node->peek(directory.caller, item.name);
    if (!listed) return;
    item.attributes = directory.shown(listed->attributes);
    item.object = seal(call, *directory.exported, listed->id, listed->way);
    // Clients take an entry with two different fileids for the root of another file system.
    item.fileid = item.attributes->fileid;
}

ReadDirectoryPlus::Result Service::read_directory_plus(rpc::Call& call,
                                                       const ReadDirectoryPlus::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    if (!directory->options->lists_attributes) return {Status::not_supported, {attributes}};
    Room budget{std::min(args.count_max, answer_bytes_max(call))};
    if (const auto refused = refuse_listing(attributes, args.cookie, args.verifier, budget))
        return {*refused, {attributes}};

    // The size of an entry is known only after a look at its object, which can't happen during the
    // listing. Until then its handle is assumed to be as long as the directory's, as it is on most
    // file systems. The first entry is always taken, because some clients send a dircount of 0; the
    // exact bytes are counted below.
    budget.take(frame_bytes);
    const auto handle_bytes = text_bytes(args.directory.size());
    auto estimated = budget;
    Room naming_budget{args.directory_count};
    bool is_first = true;
    auto found = list<ReadDirectoryPlus::Item>(
        call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
            const auto naming = naming_bytes(entry.name);
            const auto bytes = optional_bytes + naming + optional_bytes + attributes_bytes +
                               optional_bytes + handle_bytes;
            if (!is_first && !(estimated.has(bytes) && naming_budget.has(naming))) return false;
            is_first = false;
            estimated.take(bytes);
            naming_budget.take(naming);
            return true;
        });
    if (!found) return {found.error(), {attributes}};

    auto& items = found->items;
    std::size_t count = 0;
    const auto described = directory->node->act_as(directory->caller, [&] {
        for (auto& item : items) {
            describe(call, *directory, item);
            const auto bytes = optional_bytes + xdr::encoded_bytes(item);
            if (!budget.has(bytes)) break;
            budget.take(bytes);
            ++count;
        }
    });
    if (!described) return {fail(call, described.error()), {attributes}};
    const bool is_whole = count == items.size();
    if (count == 0 && !is_whole) return {Status::too_small, {attributes}};
    items.resize(count);
    return ReadDirectoryPlus::Ok{.attributes = std::move(attributes),
                                 .verifier = cookie_verifier,
                                 .entries = std::move(items),
                                 .eof = found->is_end && is_whole};
}

}  // namespace berth::nfs
