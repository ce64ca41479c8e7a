// Program 100003 version 3: the 22 procedures over exported file systems. Holds no state of its own
// between calls, so any number of threads may call it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "nfs/names.hpp"
#include "nfs/protocol.hpp"
#include "nfs/target.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/handle.hpp"
#include "rpc/program.hpp"

namespace berth::nfs {

struct ServiceOptions {
    std::uint32_t transfer_bytes_max = std::uint32_t{1}
                                       << 20;  ///< of one READ, WRITE or listing over TCP
    std::uint32_t udp_transfer_bytes_max = 32768;
    /// Changes with every start, so that clients send again what they had not committed.
    std::uint64_t write_verifier = 0;
};

class Service {
public:
    /// Both outlive the service.
    Service(const vfs::Exports& exports, const vfs::HandleSealer& sealer,
            const ServiceOptions& options)
        : exports_(exports),
          sealer_(sealer),
          options_(options) {}
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    GetAttributes::Result get_attributes(rpc::Call& call, const GetAttributes::Args& args);
    SetAttributes::Result set_attributes(rpc::Call& call, const SetAttributes::Args& args);
    Lookup::Result lookup(rpc::Call& call, const Lookup::Args& args);
    Access::Result access(rpc::Call& call, const Access::Args& args);
    ReadLink::Result read_link(rpc::Call& call, const ReadLink::Args& args);
    Read::Result read(rpc::Call& call, const Read::Args& args);
    Write::Result write(rpc::Call& call, const Write::Args& args);
    Create::Result create(rpc::Call& call, const Create::Args& args);
    MakeDirectory::Result make_directory(rpc::Call& call, const MakeDirectory::Args& args);
    MakeSymbolicLink::Result make_symbolic_link(rpc::Call& call,
                                                const MakeSymbolicLink::Args& args);
    MakeNode::Result make_node(rpc::Call& call, const MakeNode::Args& args);
    Remove::Result remove(rpc::Call& call, const Remove::Args& args);
    RemoveDirectory::Result remove_directory(rpc::Call& call, const RemoveDirectory::Args& args);
    Rename::Result rename(rpc::Call& call, const Rename::Args& args);
    Link::Result link(rpc::Call& call, const Link::Args& args);
    ReadDirectory::Result read_directory(rpc::Call& call, const ReadDirectory::Args& args);
    ReadDirectoryPlus::Result read_directory_plus(rpc::Call& call,
                                                  const ReadDirectoryPlus::Args& args);
    FileSystemStatus::Result file_system_status(rpc::Call& call,
                                                const FileSystemStatus::Args& args);
    FileSystemInfo::Result file_system_info(rpc::Call& call, const FileSystemInfo::Args& args);
    PathConfiguration::Result path_configuration(rpc::Call& call,
                                                 const PathConfiguration::Args& args);
    Commit::Result commit(rpc::Call& call, const Commit::Args& args);

    static const std::array<rpc::Entry<Service>, 22> procedures;

private:
    /// What this caller may do in the export. The one place that looks at the exports. A call that
    /// would have to wait for that is deferred.
    vfs::Result<vfs::Permit> admit(rpc::Call& call, vfs::ExportId id) const;
    /// The object of a handle, and whom the caller is there.
    vfs::Result<Target> open(rpc::Call& call, const FileHandle& handle) const;
    /// The same, for calls that change names or attributes. Where such changes have to be on disk
    /// before the reply, the call is deferred unless it has the patience.
    vfs::Result<Target> open_to_change(rpc::Call& call, const FileHandle& handle) const;
    static Target target(rpc::Call& call, vfs::Permit permit, vfs::NodePtr node, vfs::Wait wait);
    /// What `name` leads to where that is in another export: the root of what is mounted there, or
    /// with ".." the directory in which `from`, a root, is mounted. Empty when the name stays
    /// within the export, or when this caller is not to see more.
    vfs::Result<std::optional<Target>> cross(rpc::Call& call, const Target& from,
                                             std::string_view name) const;
    vfs::Result<std::optional<Target>> cross_down(rpc::Call& call, const Target& from,
                                                  const vfs::Crossing& crossing) const;
    vfs::Result<std::optional<Target>> cross_up(rpc::Call& call, const Target& from) const;
    [[nodiscard]] FileHandle seal(rpc::Call& call, const vfs::Export& exported,
                                  const vfs::ObjectId& object, const vfs::Way& way) const;
    [[nodiscard]] FileHandle seal(rpc::Call& call, const vfs::Export& exported,
                                  const vfs::Node& node) const {
        return seal(call, exported, node.id(), node.way());
    }
    /// Attributes and handle of a listed entry, so that READDIRPLUS spares a LOOKUP. Gone
    /// meanwhile, not to be looked at by this caller, or hidden under a mounted file system: just
    /// the name.
    void describe(rpc::Call& call, const Target& directory, ReadDirectoryPlus::Item& item) const;
    [[nodiscard]] std::uint32_t transfer_bytes_max(const rpc::Call& call) const noexcept;
    /// For data and entries in a reply: less where the transport takes no long one.
    [[nodiscard]] std::uint32_t answer_bytes_max(const rpc::Call& call) const noexcept;
    /// For a file system that had lost data so many times.
    [[nodiscard]] Verifier write_verifier(std::uint64_t losses) const;

    template <class Make>
    Create::Result make(rpc::Call& call, const Entry& where, Make make);
    template <class Take>
    Remove::Result take_away(rpc::Call& call, const Entry& object, NameUse use, Take take);

    const vfs::Exports& exports_;
    const vfs::HandleSealer& sealer_;
    ServiceOptions options_;
};

}  // namespace berth::nfs
