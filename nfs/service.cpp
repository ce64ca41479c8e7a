#include "nfs/service.hpp"

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

/// The caller after squashing; groups that had to be changed move into the call's memory.
vfs::Identity identity_of(rpc::Call& call, const vfs::ExportOptions& options) {
    const auto& credential = call.credential;
    if (credential.flavor != rpc::AuthFlavor::sys) return vfs::anonymous(options);
    vfs::Groups changed;
    const vfs::Identity claimed{credential.uid, credential.gid, credential.gids};
    auto identity = vfs::squash(options, claimed, changed);
    if (!identity.groups.empty() && identity.groups.data() == changed.data()) {
        const auto bytes = std::as_bytes(identity.groups);
        const auto kept = call.memory.bytes(bytes.size());
        std::memcpy(kept.data(), bytes.data(), bytes.size());
        identity.groups = {reinterpret_cast<const gid_t*>(kept.data()), identity.groups.size()};
    }
    return identity;
}

}  // namespace

vfs::Result<Service::Permit> Service::admit(rpc::Call& call, vfs::ExportId id) const {
    const vfs::CallOrigin from{
        .client = vfs::ClientAddress::of(call.caller.address.bytes, call.caller.address.v6),
        .port = call.caller.port};
    for (bool may_learn = true;; may_learn = false) {
        auto exports = exports_.pin(&call);
        const auto* exported = exports->find(id);
        if (exported == nullptr) return vfs::stale;
        const auto rule = exports->admit(*exported, from);
        if (rule) {
            const bool has_user = call.credential.flavor == rpc::AuthFlavor::sys;
            const auto& options = (*rule)->options(has_user ? vfs::Flavor::sys : vfs::Flavor::none);
            if (!options) return std::errc::permission_denied;
            return Permit{std::move(exports), exported, &*options};
        }
        if (rule.error() == vfs::Refusal::insecure_port) return std::errc::operation_not_permitted;
        if (rule.error() == vfs::Refusal::unlisted) return std::errc::permission_denied;
        if (call.patience != rpc::Patience::ample) {
            call.defer();
            return vfs::would_block;
        }
        exports = {};  // other calls must not be kept from newer ones meanwhile
        if (!may_learn || !exports_.learn(from.client)) {
            call.forget_reply();
            return std::errc::resource_unavailable_try_again;
        }
    }
}

vfs::Result<Target> Service::open(rpc::Call& call, const FileHandle& handle) const {
    const auto opened = sealer_.open(handle.bytes());
    if (!opened) return opened.error();
    auto permit = admit(call, opened->export_id);
    if (!permit) return permit.error();
    const bool may_wait = call.patience != rpc::Patience::none;
    const auto wait = may_wait ? vfs::Wait::yes : vfs::Wait::no;
    auto node = permit->exported->files->find(opened->object, wait);
    if (!node) return node.error() == std::errc::invalid_argument ? vfs::bad_handle : node.error();
    return Target{.call = &call,
                  .exports = std::move(permit->exports),
                  .exported = permit->exported,
                  .options = permit->options,
                  .node = std::move(*node),
                  .caller = {identity_of(call, *permit->options), wait}};
}

vfs::Result<Target> Service::open_to_change(rpc::Call& call, const FileHandle& handle) const {
    auto target = open(call, handle);
    if (target && target->options->sync && call.patience == rpc::Patience::brief) {
        call.defer();
        return vfs::would_block;
    }
    return target;
}

FileHandle Service::seal(rpc::Call& call, const vfs::Export& exported,
                         const vfs::ObjectId& object) const {
    const auto handle = sealer_.seal(exported.id, object);
    const auto kept = call.memory.bytes(handle.bytes().size());
    std::memcpy(kept.data(), handle.bytes().data(), kept.size());
    return FileHandle{kept};
}

std::uint32_t Service::transfer_bytes_max(const rpc::Call& call) const noexcept {
    return call.transport == rpc::Transport::udp ? options_.udp_transfer_bytes_max
                                                 : options_.transfer_bytes_max;
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
