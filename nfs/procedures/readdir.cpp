// READDIR: lists names in a directory (RFC 1813 §3.3.16).
#include <algorithm>
#include <utility>

#include "nfs/procedures/listing.hpp"

namespace berth::nfs {

ReadDirectory::Result Service::read_directory(rpc::Call& call, const ReadDirectory::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    Room budget{std::min(args.count, answer_bytes_max(call))};
    if (const auto refused = refuse_listing(attributes, args.cookie, args.verifier, budget))
        return {*refused, {attributes}};

    budget.take(frame_bytes);
    auto found = list<ReadDirectory::Item>(
        call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
            const auto bytes = optional_bytes + naming_bytes(entry.name);
            if (!budget.has(bytes)) return false;
            budget.take(bytes);
            return true;
        });
    if (!found) return {found.error(), {attributes}};
    if (found->has_left_one_out) return {Status::too_small, {attributes}};
    if (directory->exported->files->gives_fileids()) {
        for (auto& item : found->items) {
            const auto listed = directory->node->peek(directory->caller, item.name);
            if (listed) item.fileid = presentable_fileid(listed->attributes.fileid);
        }
    }
    return ReadDirectory::Ok{.attributes = std::move(attributes),
                             .verifier = cookie_verifier,
                             .entries = std::move(found->items),
                             .eof = found->is_end};
}

}  // namespace berth::nfs
