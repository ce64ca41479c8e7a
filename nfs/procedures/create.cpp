// CREATE, MKDIR, SYMLINK, MKNOD: new objects.
#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

// What the four have in common; `make` makes the object in the directory: Result<NodePtr>(const
// Target&, name).
template <class Make>
Create::Result Service::make(rpc::Call& call, const Entry& where, Make make) {
    const auto directory = open_to_change(call, where.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    if (directory->is_read_only()) return {Status::read_only, {directory->unchanged()}};
    const auto bytes_max = directory->exported->files->limits().name_bytes_max;
    if (const auto refused = refuse_name(where.name, NameUse::create, bytes_max))
        return {*refused, {directory->unchanged()}};

    WccRecorder recorder{*directory};
    const vfs::Result<vfs::NodePtr> made = make(*directory, where.name.view());
    auto wcc = recorder.finish();
    if (!made) return {fail(call, made.error()), {std::move(wcc)}};
    auto durable = directory->sync_if_promised(**made);
    if (durable) durable = directory->sync_if_promised();
    if (!durable) return {fail(call, durable.error()), {std::move(wcc)}};
    return Created{.object = seal(call, *directory->exported, (*made)->id()),
                   .attributes = directory->attributes_of(**made),
                   .directory = std::move(wcc)};
}

Create::Result Service::create(rpc::Call& call, const Create::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    vfs::NewFile file;
                    if (const auto* verifier = args.how.get_if<CreateMode::exclusive>()) {
                        file.mode = vfs::CreateMode::exclusive;
                        file.verifier = *verifier;
                        return directory.node->create(directory.caller, name, file);
                    }
                    const bool is_guarded = args.how.discriminant() == CreateMode::guarded;
                    const auto wanted =
                        from_wire(is_guarded ? *args.how.get_if<CreateMode::guarded>()
                                             : *args.how.get_if<CreateMode::unchecked>());
                    if (!wanted) return wanted.error();
                    file.mode = is_guarded ? vfs::CreateMode::guarded : vfs::CreateMode::unchecked;
                    file.attributes = *wanted;
                    return directory.node->create(directory.caller, name, file);
                });
}

MakeDirectory::Result Service::make_directory(rpc::Call& call, const MakeDirectory::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    auto wanted = from_wire(args.attributes);
                    if (!wanted) return wanted.error();
                    wanted->size.reset();
                    return directory.node->make_directory(directory.caller, name, *wanted);
                });
}

MakeSymbolicLink::Result Service::make_symbolic_link(rpc::Call& call,
                                                     const MakeSymbolicLink::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    const auto wanted = from_wire(args.attributes);
                    if (!wanted) return wanted.error();
                    if (args.target.view().find('\0') != std::string_view::npos)
                        return std::errc::permission_denied;
                    return directory.node->make_symbolic_link(directory.caller, name, args.target,
                                                              *wanted);
                });
}

namespace {

/// What MKNOD is to make; nothing for the types that it does not make.
std::optional<vfs::Result<vfs::SpecialFile>> special_of(const MakeNode::What& what) {
    const NewAttributes* attributes = nullptr;
    vfs::SpecialFile special;
    if (const auto* character = what.get_if<FileType::character_device>()) {
        special.type = vfs::FileType::character_device;
        special.device = {character->number.major, character->number.minor};
        attributes = &character->attributes;
    } else if (const auto* block = what.get_if<FileType::block_device>()) {
        special.type = vfs::FileType::block_device;
        special.device = {block->number.major, block->number.minor};
        attributes = &block->attributes;
    } else if (const auto* socket = what.get_if<FileType::socket>()) {
        special.type = vfs::FileType::socket;
        attributes = socket;
    } else if (const auto* fifo = what.get_if<FileType::fifo>()) {
        special.type = vfs::FileType::fifo;
        attributes = fifo;
    }
    if (attributes == nullptr) return {};
    auto wanted = from_wire(*attributes);
    if (!wanted) return wanted.error();
    wanted->size.reset();
    special.attributes = *wanted;
    return special;
}

}  // namespace

MakeNode::Result Service::make_node(rpc::Call& call, const MakeNode::Args& args) {
    const auto special = special_of(args.what);
    if (!special) {
        const auto directory = open(call, args.where.directory);
        if (!directory) return {fail(call, directory.error()), {}};
        return {Status::bad_type, {directory->unchanged()}};
    }
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    if (!*special) return special->error();
                    return directory.node->make_special(directory.caller, name, **special);
                });
}

}  // namespace berth::nfs
