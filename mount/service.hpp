// Program 100005: hands out the handles that NFS starts from, and lists the clients that asked for
// them. It protects nothing: handles are checked at each use. Threads: any number.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mount/find.hpp"
#include "mount/mount_list.hpp"
#include "mount/protocol.hpp"
#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/exports/places.hpp"
#include "rpc/program.hpp"

namespace berth::mount {

/// The common part of all versions. A host is its IP address, because it can give itself any name.
/// Over UDP, lists end where the datagram does, and the transport refuses one that is much longer
/// than the call.
class Lists {
public:
    /// Both outlive this.
    Lists(const exports::Exports& exports, MountList& mounts)
        : exports_(exports),
          mounts_(mounts) {}

    void add(const rpc::Call& call, std::string_view directory);
    /// Does nothing if it was never mounted.
    void remove(const rpc::Call& call, std::string_view directory);
    void remove_all(const rpc::Call& call);
    [[nodiscard]] xdr::List<Mounted> mounted(rpc::Call& call) const;
    [[nodiscard]] xdr::List<Exported> exported(const rpc::Call& call) const;

private:
    [[nodiscard]] bool may_remove(const rpc::Call& call, std::string_view path) const;

    const exports::Exports& exports_;
    MountList& mounts_;
};

/// Versions 1 and 2. MNT never succeeds, because its handle would be for NFSv2, which is not
/// served. If nothing else is wrong it returns "access denied". The rest is for tools that still
/// ask version 1.
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

    /// The table of version 2. Version 1 has all but the last entry, PATHCONF.
    static const std::array<rpc::Entry<Service1>, 8> procedures;

    [[nodiscard]] std::uint64_t place_of(const rpc::Call& /*call*/, const AskedPath& path) const {
        return mount::place_of(places_, path);
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return exports::name_of_place(places_.exports, place);
    }

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

    [[nodiscard]] std::uint64_t place_of(const rpc::Call& /*call*/, const AskedPath& path) const {
        return mount::place_of(places_, path);
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return exports::name_of_place(places_.exports, place);
    }

private:
    const Places& places_;
    Lists& lists_;
};

/// The services behind the programs. Outlives them; its arguments outlive it.
class Services {
public:
    Services(const exports::Exports& exports, const exports::HandleSealer& sealer,
             MountList& mounts, Renew renew = {})
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
