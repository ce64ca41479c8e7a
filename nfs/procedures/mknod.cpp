// MKNOD: creates devices, sockets and FIFOs (RFC 1813 §3.3.11).
#include <optional>

#include "nfs/procedures/making.hpp"

namespace berth::nfs {

namespace {

/// The object that MKNOD makes, and its attributes; empty for types that it does not make.
struct Special {
    vfs::SpecialFile file;
    const NewAttributes* attributes = nullptr;
};
std::optional<Special> special_of(const MakeNode::What& what) {
    Special special;
    if (const auto* character = what.get_if<FileType::character_device>()) {
        special.file.type = vfs::FileType::character_device;
        special.file.device = {character->number.major, character->number.minor};
        special.attributes = &character->attributes;
    } else if (const auto* block = what.get_if<FileType::block_device>()) {
        special.file.type = vfs::FileType::block_device;
        special.file.device = {block->number.major, block->number.minor};
        special.attributes = &block->attributes;
    } else if (const auto* socket = what.get_if<FileType::socket>()) {
        special.file.type = vfs::FileType::socket;
        special.attributes = socket;
    } else if (const auto* fifo = what.get_if<FileType::fifo>()) {
        special.file.type = vfs::FileType::fifo;
        special.attributes = fifo;
    }
    if (special.attributes == nullptr) return {};
    return special;
}

}  // namespace

MakeNode::Result Service::make_node(rpc::Call& call, const MakeNode::Args& args) {
    auto special = special_of(args.what);
    if (!special) {
        const auto directory = open(call, args.where.directory);
        if (!directory) return {fail(call, directory.error()), {}};
        return {Status::bad_type, {directory->unchanged()}};
    }
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    const auto wanted = of_new(directory, *special->attributes);
                    if (!wanted) return wanted.error();
                    special->file.attributes = *wanted;
                    special->file.attributes.size.reset();
                    return directory.node->make_special(directory.caller, name, special->file);
                });
}

}  // namespace berth::nfs
