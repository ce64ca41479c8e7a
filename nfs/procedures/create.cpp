// CREATE, MKDIR, SYMLINK, MKNOD: new objects.
#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

namespace {

/// Owners that stand for none on the server are left out, as those that the caller may not give.
vfs::Result<vfs::NewAttributes> of_new(const Target& directory, const NewAttributes& asked) {
    auto wanted = from_wire(asked);
    if (wanted) static_cast<void>(vfs::map_owners(*directory.options, *wanted));
    return wanted;
}

}  // namespace

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
    if (!durable) return {fail_after_change(durable.error()), {std::move(wcc)}};
    return Created{.object = seal(call, *directory->exported, **made),
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
                        of_new(directory, is_guarded ? *args.how.get_if<CreateMode::guarded>()
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
                    auto wanted = of_new(directory, args.attributes);
                    if (!wanted) return wanted.error();
                    wanted->size.reset();
                    return directory.node->make_directory(directory.caller, name, *wanted);
                });
}

MakeSymbolicLink::Result Service::make_symbolic_link(rpc::Call& call,
                                                     const MakeSymbolicLink::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    const auto wanted = of_new(directory, args.attributes);
                    if (!wanted) return wanted.error();
                    if (args.target.view().find('\0') != std::string_view::npos)
                        return std::errc::permission_denied;
                    return directory.node->make_symbolic_link(directory.caller, name, args.target,
                                                              *wanted);
                });
}

namespace {

/// What MKNOD is to make, and with which attributes; nothing for the types that it does not make.
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
