// Program 100005: hands out the handles that NFS begins with, and keeps the list of who asked. It
// guards nothing: a handle is checked at each use. Threads: any number.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "mount/mount_list.hpp"
#include "mount/mounting.hpp"
#include "mount/protocol.hpp"
#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/handle.hpp"
#include "rpc/program.hpp"

namespace berth::mount {

/// What the versions answer alike. A host is its IP address: a name that it gives itself can be
/// any. Over UDP, lists end where the datagram does, and one that is much longer than the call is
/// refused by the transport.
class Lists {
public:
    /// Both outlive this.
    Lists(const vfs::Exports& exports, MountList& mounts) : exports_(exports), mounts_(mounts) {}

    void add(const rpc::Call& call, std::string_view directory);
    /// Of what was never mounted: nothing happens.
    void remove(const rpc::Call& call, std::string_view directory);
    void remove_all(const rpc::Call& call);
    [[nodiscard]] xdr::List<Mounted> mounted(rpc::Call& call) const;
    [[nodiscard]] xdr::List<Exported> exported(const rpc::Call& call) const;

private:
    [[nodiscard]] bool may_remove(const rpc::Call& call, std::string_view path) const;

    const vfs::Exports& exports_;
    MountList& mounts_;
};

/// Versions 1 and 2. MNT never succeeds: its handle would be for NFSv2, which is not served. Where
/// nothing else is wrong it says "access denied". The rest is for the tools that still ask version
/// 1.
class Service1 {
public:
    /// All outlive the service.
    Service1(const Places& places, Lists& lists) : places_(places), lists_(lists) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    Mount1::Result mount(rpc::Call& call, const AskedPath& path);
    Dump::Result dump(rpc::Call& call, const xdr::Void& nothing);
    xdr::Void unmount(rpc::Call& call, const DirectoryPath& directory);
    xdr::Void unmount_all(rpc::Call& call, const xdr::Void& nothing);
    Export::Result exports(rpc::Call& call, const xdr::Void& nothing);

    PathConfiguration::Result path_configuration(rpc::Call& call, const AskedPath& path);

    /// Version 2's. Version 1 has all but the last, PATHCONF.
    static const std::array<rpc::Entry<Service1>, 8> procedures;

private:
    const Places& places_;
    Lists& lists_;
};

/// Version 3 — RFC 1813 §5.2.
class Service3 {
public:
    /// All outlive the service.
    Service3(const Places& places, Lists& lists) : places_(places), lists_(lists) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    Mount::Result mount(rpc::Call& call, const AskedPath& path);
    Dump::Result dump(rpc::Call& call, const xdr::Void& nothing);
    xdr::Void unmount(rpc::Call& call, const DirectoryPath& directory);
    xdr::Void unmount_all(rpc::Call& call, const xdr::Void& nothing);
    Export::Result exports(rpc::Call& call, const xdr::Void& nothing);

    static const std::array<rpc::Entry<Service3>, 6> procedures;

private:
    const Places& places_;
    Lists& lists_;
};

/// The services behind the programs. Outlives them; what it is made of outlives it.
class Services {
public:
    Services(const vfs::Exports& exports, const vfs::HandleSealer& sealer, MountList& mounts,
             Renew renew = {})
        : places_{exports, sealer, std::move(renew)},
          lists_(exports, mounts),
          service1_(places_, lists_),
          service3_(places_, lists_) {}
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    /// Versions 1, 2 and 3.
    [[nodiscard]] std::vector<rpc::Program> programs();

private:
    const Places places_;
    Lists lists_;
    Service1 service1_;
    Service3 service3_;
};

}  // namespace berth::mount
