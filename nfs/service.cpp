#include "nfs/service.hpp"

#include <algorithm>
#include <cstring>

namespace berth::nfs {

constexpr std::array<rpc::Entry<Service>, 22> Service::procedures{
    rpc::on<Null, &Service::null>(),
    rpc::on<GetAttributes, &Service::get_attributes>(),
    rpc::on<SetAttributes, &Service::set_attributes>(),
    rpc::on<Lookup, &Service::lookup>(),
    rpc::on<Access, &Service::access>(),
    rpc::on<ReadLink, &Service::read_link>(),
    rpc::on<Read, &Service::read>(),
    rpc::on<Write, &Service::write>(),
    rpc::on<Create, &Service::create>(),
    rpc::on<MakeDirectory, &Service::make_directory>(),
    rpc::on<MakeSymbolicLink, &Service::make_symbolic_link>(),
    rpc::on<MakeNode, &Service::make_node>(),
    rpc::on<Remove, &Service::remove>(),
    rpc::on<RemoveDirectory, &Service::remove_directory>(),
    rpc::on<Rename, &Service::rename>(),
    rpc::on<Link, &Service::link>(),
    rpc::on<ReadDirectory, &Service::read_directory>(),
    rpc::on<ReadDirectoryPlus, &Service::read_directory_plus>(),
    rpc::on<FileSystemStatus, &Service::file_system_status>(),
    rpc::on<FileSystemInfo, &Service::file_system_info>(),
    rpc::on<PathConfiguration, &Service::path_configuration>(),
    rpc::on<Commit, &Service::commit>(),
};

namespace {

vfs::Claim claim_of(rpc::Call& call) {
    const auto& credential = call.credential;
    const bool has_user = credential.flavor == rpc::AuthFlavor::sys;
    return {.flavor = has_user ? vfs::Flavor::sys : vfs::Flavor::none,
            .identity = {credential.uid, credential.gid, credential.gids},
            .room = call.memory.array<gid_t>(credential.gids.size())};
}

}  // namespace

vfs::Result<vfs::Permit> Service::admit(rpc::Call& call, vfs::ExportId id) const {
    const vfs::CallOrigin from{
        .client = vfs::ClientAddress::of(call.caller.address.bytes, call.caller.address.v6),
        .port = call.caller.port};
    const bool may_wait = call.patience == rpc::Patience::ample;
    auto permit =
        exports_.admit(id, from, claim_of(call), may_wait ? vfs::Wait::yes : vfs::Wait::no, &call);
    if (!permit && permit.error() == vfs::would_block && !may_wait) call.defer();
    return permit;
}

vfs::Result<Target> Service::open(rpc::Call& call, const FileHandle& handle) const {
    const auto opened = sealer_.open(handle.bytes());
    if (!opened) return opened.error();
    auto permit = admit(call, opened->export_id);
    if (!permit) return permit.error();
    const bool may_wait = call.patience != rpc::Patience::none;
    const auto wait = may_wait ? vfs::Wait::yes : vfs::Wait::no;
    auto node = permit->exported->files->find(opened->object, opened->way, wait);
    // The seal is ours: it was good for what was exported here before.
    if (!node) return node.error() == std::errc::invalid_argument ? vfs::stale : node.error();
    return target(call, *std::move(permit), *std::move(node), wait);
}

Target Service::target(rpc::Call& call, vfs::Permit permit, vfs::NodePtr node, vfs::Wait wait) {
    return {.call = &call,
            .exports = std::move(permit.exports),
            .exported = permit.exported,
            .options = permit.options,
            .node = std::move(node),
            .user = std::move(permit.caller.user),
            .caller = {permit.caller.identity, wait}};
}

vfs::Result<Target> Service::open_to_change(rpc::Call& call, const FileHandle& handle) const {
    auto target = open(call, handle);
    if (target && target->options->sync && call.patience == rpc::Patience::brief) {
        call.defer();
        return vfs::would_block;
    }
    return target;
}

FileHandle Service::seal(rpc::Call& call, const vfs::Export& exported, const vfs::ObjectId& object,
                         const vfs::Way& way) const {
    const auto handle = sealer_.seal(exported.id, object, way);
    const auto kept = call.memory.bytes(handle.bytes().size());
    std::memcpy(kept.data(), handle.bytes().data(), kept.size());
    return FileHandle{kept};
}

std::uint32_t Service::transfer_bytes_max(const rpc::Call& call) const noexcept {
    return call.transport == rpc::Transport::udp ? options_.udp_transfer_bytes_max
                                                 : options_.transfer_bytes_max;
}

std::uint32_t Service::answer_bytes_max(const rpc::Call& call) const noexcept {
    // Before data and entries: the headers of RPC, status, attributes, counts.
    constexpr std::size_t headers_bytes = 132;
    const auto room = call.reply_bytes_max - std::min(call.reply_bytes_max, headers_bytes);
    return static_cast<std::uint32_t>(std::min<std::size_t>(transfer_bytes_max(call), room));
}

// A loss seen by the file system changes the verifier as a restart does.
Verifier Service::write_verifier(std::uint64_t losses) const {
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
    const auto value = options_.write_verifier + losses * spread;
    Verifier verifier;
    std::memcpy(verifier.data(), &value, sizeof value);
    return verifier;
}

xdr::Void Service::null(rpc::Call& /*call*/, const xdr::Void& nothing) {
    return nothing;
}

}  // namespace berth::nfs
