#include "nfs/service.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rpc/peer_log.hpp"

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

vfs::Result<Target> Service::open(rpc::Call& call, const FileHandle& handle) const {
    return resolver_.open<Target>(call, handle.bytes());
}

vfs::Result<Target> Service::open_to_change(rpc::Call& call, const FileHandle& handle) const {
    return resolver_.open_to_change<Target>(call, handle.bytes());
}

vfs::Result<std::optional<Target>> Service::cross(rpc::Call& call, const Target& from,
                                                  std::string_view name) const {
    auto beyond = resolver_.cross(call, from, name);
    if (!beyond) return beyond.error();
    if (!*beyond) return std::optional<Target>{};
    return std::optional{Target{*std::move(*beyond)}};
}

std::uint32_t Service::transfer_bytes_max(const rpc::Call& call) const noexcept {
    return call.transport == rpc::Transport::udp ? options_.udp_transfer_bytes_max
                                                 : options_.transfer_bytes_max;
}

std::uint32_t Service::answer_bytes_max(const rpc::Call& call) const noexcept {
    // The bytes before data and entries: headers of RPC, status, attributes, counts.
    constexpr std::size_t headers_bytes = 132;
    const auto room = call.reply_bytes_max - std::min(call.reply_bytes_max, headers_bytes);
    return static_cast<std::uint32_t>(std::min<std::size_t>(transfer_bytes_max(call), room));
}

// A loss that the file system reports changes the verifier as a restart does.
Verifier Service::write_verifier(std::uint64_t losses) const {
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
    const auto value = options_.write_verifier + losses * spread;
    Verifier verifier;
    std::memcpy(verifier.data(), &value, sizeof value);
    return verifier;
}

// Versions that no client mounts with come from tools that look for those that there are.
void Service::asked_for_other_version(const rpc::Call& call) noexcept {
    const auto& client = call.caller.address;
    if (call.program.version == 4)
        rpc::info_rarely_of(client,
                            "{} asks for NFSv4; berth has version 3: mount with vers=3 saves the "
                            "detour",
                            client);
    if (call.program.version == 2)
        rpc::info_rarely_of(client, "{} asks for NFSv2; berth has version 3: mount with vers=3",
                            client);
}

xdr::Void Service::null(rpc::Call& /*call*/, const xdr::Void& nothing) {
    return nothing;
}

}  // namespace berth::nfs
