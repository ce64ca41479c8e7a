// Program 100003 version 3: the 22 procedures on exported file systems. It has no state of its own
// between calls, so any number of threads may call it.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/pfr/core.hpp>

#include "nfs/access/resolver.hpp"
#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/names.hpp"
#include "nfs/protocol.hpp"
#include "nfs/target.hpp"
#include "rpc/program.hpp"

namespace berth::nfs {

struct ServiceOptions {
    std::uint32_t transfer_bytes_max = std::uint32_t{1}
                                       << 20;  ///< for one READ, WRITE or listing over TCP
    std::uint32_t udp_transfer_bytes_max = 32768;
    /// Changes with every start, so that clients resend what they had not committed.
    std::uint64_t write_verifier = 0;
};

class Service {
public:
    /// Both outlive the service.
    Service(const exports::Exports& exports, const exports::HandleSealer& sealer,
            const ServiceOptions& options)
        : resolver_(exports, sealer, {.keeps_identity = true}),
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

    /// Says in the log how the client gets version 3 at once.
    static void asked_for_other_version(const rpc::Call& call) noexcept;

    /// The status for "later" is JUKEBOX.
    static constexpr bool knows_later = true;
    /// A call's place is the export of the handle that all arguments begin with.
    template <class Args>
        requires(!std::same_as<Args, xdr::Void>)
    [[nodiscard]] std::uint64_t place_of(const rpc::Call& call, const Args& args) const {
        return place_of(call, boost::pfr::get<0>(args));
    }
    [[nodiscard]] std::uint64_t place_of(const rpc::Call& /*call*/,
                                         const FileHandle& handle) const {
        return resolver_.place_of(handle.bytes());
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return resolver_.name_of(place);
    }

private:
    /// The object of a handle, and its caller. Errors are those of access::Resolver.
    vfs::Result<Target> open(rpc::Call& call, const FileHandle& handle) const;
    /// The same, for calls that change names or attributes.
    vfs::Result<Target> open_to_change(rpc::Call& call, const FileHandle& handle) const;
    /// The object that the name leads to if it is in another export.
    vfs::Result<std::optional<Target>> cross(rpc::Call& call, const Target& from,
                                             std::string_view name) const;
    [[nodiscard]] FileHandle seal(rpc::Call& call, const exports::Export& exported,
                                  const vfs::ObjectId& object, const vfs::Way& way) const {
        return FileHandle{resolver_.seal(call, exported, object, way)};
    }
    [[nodiscard]] FileHandle seal(rpc::Call& call, const exports::Export& exported,
                                  const vfs::Node& node) const {
        return seal(call, exported, node.id(), node.way());
    }
    /// Adds attributes and handle to a listed entry, so that READDIRPLUS saves a LOOKUP. An entry
    /// that has gone, that this caller may not look at, or that a mount hides keeps just its name.
    void describe(rpc::Call& call, const Target& directory, ReadDirectoryPlus::Item& item) const;
    [[nodiscard]] std::uint32_t transfer_bytes_max(const rpc::Call& call) const noexcept;
    /// The limit for data or entries in a reply: lower where the transport takes no long replies.
    [[nodiscard]] std::uint32_t answer_bytes_max(const rpc::Call& call) const noexcept;
    /// For a file system that has lost data this many times.
    [[nodiscard]] Verifier write_verifier(std::uint64_t losses) const;

    template <class Make>
    Create::Result make(rpc::Call& call, const Entry& where, Make make);
    template <class Take>
    Remove::Result take_away(rpc::Call& call, const Entry& object, NameUse use, Take take);

    const access::Resolver resolver_;
    ServiceOptions options_;
};

}  // namespace berth::nfs
