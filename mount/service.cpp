#include "mount/service.hpp"

#include <algorithm>
#include <climits>
#include <limits>
#include <span>
#include <utility>

#include "mount/find.hpp"
#include "nfs/access/caller.hpp"
#include "nfs/access/resolver.hpp"
#include "xdr/codec.hpp"

namespace berth::mount {
namespace {

/// The part of a datagram for results; the rest holds RPC headers with any verifier.
constexpr std::size_t datagram_results_bytes_max = 64000;

template <class T>
xdr::List<T> fitted(const rpc::Call& call, std::vector<T> items) {
    if (call.transport == rpc::Transport::udp) {
        std::size_t room = datagram_results_bytes_max;
        const auto too_much = std::ranges::find_if(items, [&](const T& item) {
            const auto size = xdr::encoded_bytes(item) + 4;
            if (size > room) return true;
            room -= size;
            return false;
        });
        items.erase(too_much, items.end());
    }
    return items;
}

/// The clients of an export as text; empty if it is for everyone alike, as in the protocol.
xdr::List<Name> groups(const rpc::Call& call, std::span<const exports::ClientRule> rules) {
    std::vector<Name> names;
    const bool is_for_everyone =
        rules.size() == 1 && rules.front().client.kind == exports::ClientKind::everyone;
    if (is_for_everyone) return names;
    for (const auto& rule : rules)
        names.emplace_back(call.memory.copy(rule.client.text().substr(0, name_bytes_max)));
    return names;
}

rpc::AuthFlavor to_wire(exports::Flavor flavor) {
    return flavor == exports::Flavor::sys ? rpc::AuthFlavor::sys : rpc::AuthFlavor::none;
}

/// While it can't be found out which client calls, the call stays unanswered: clients retry then,
/// but after no error that the protocol has.
boost::system::result<Found, Refusal> find_for(rpc::Call& call, const Places& places,
                                               std::string_view path) {
    auto found = find(places, access::origin_of(call), path);
    if (found) return found;
    auto refusal = found.error();
    if (refusal.status != Status::later) return found;
    call.leave_unanswered();
    refusal.status = Status::server_fault;
    return refusal;
}

/// Version 1 knows only the errors of UNIX.
std::uint32_t error_number(Status status) {
    return static_cast<std::uint32_t>(status == Status::server_fault ? Status::io_error : status);
}

std::int32_t at_most(std::uint32_t number, std::int32_t most) {
    return static_cast<std::int32_t>(std::min(number, static_cast<std::uint32_t>(most)));
}

}  // namespace

void Lists::add(const rpc::Call& call, std::string_view directory) {
    mounts_.add(call.caller.address.text(), directory);
}

// Ordinary users of a client may not remove an entry that only its root can have made.
bool Lists::may_remove(const rpc::Call& call, std::string_view path) const {
    if (call.caller.has_reserved_port()) return true;
    const auto exports = exports_.pin(&call);
    for (const auto& match : exports->matches(path)) {
        const auto rule = exports->admit(*match.found, access::origin_of(call));
        if (rule) return true;
        if (rule.error() == exports::Refusal::insecure_port) return false;
    }
    return true;
}

void Lists::remove(const rpc::Call& call, std::string_view directory) {
    const auto path = exports::normalised(directory);
    if (path && may_remove(call, *path)) mounts_.remove(call.caller.address.text(), *path);
}

void Lists::remove_all(const rpc::Call& call) {
    const auto host = call.caller.address.text();
    if (call.caller.has_reserved_port()) return mounts_.remove_all(host);
    for (const auto& entry : mounts_.all())
        if (entry.host == host && may_remove(call, entry.directory))
            mounts_.remove(host, entry.directory);
}

xdr::List<Mounted> Lists::mounted(rpc::Call& call) const {
    std::vector<Mounted> items;
    for (const auto& entry : mounts_.all())
        items.push_back({call.memory.copy(entry.host), call.memory.copy(entry.directory)});
    return fitted(call, std::move(items));
}

xdr::List<Exported> Lists::exported(const rpc::Call& call) const {
    std::vector<Exported> items;
    const auto exports = exports_.pin(&call);
    for (const auto& candidate : exports->all()) {
        // Skips parts of other exports, and paths too long for a client to ask for.
        if (candidate.is_nested || candidate.path.size() > path_bytes_max) continue;
        items.push_back({.directory = call.memory.copy(candidate.path),
                         .groups = groups(call, candidate.clients.all())});
    }
    return fitted(call, std::move(items));
}

xdr::Void Service1::null(rpc::Call&, const xdr::Void&) {
    return {};
}

Mount1::Result Service1::mount(rpc::Call& call, const AskedPath& path) {
    const auto found = find_for(call, places_, path);
    if (found)
        tell_too_old(call, path);
    else
        tell_refused(call, path, found.error());
    return Mount1::Result::otherwise(
        error_number(found ? Status::access_denied : found.error().status));
}

Dump::Result Service1::dump(rpc::Call& call, const xdr::Void&) {
    return lists_.mounted(call);
}

xdr::Void Service1::unmount(rpc::Call& call, const DirectoryPath& directory) {
    lists_.remove(call, directory);
    return {};
}

xdr::Void Service1::unmount_all(rpc::Call& call, const xdr::Void&) {
    lists_.remove_all(call);
    return {};
}

Export::Result Service1::exports(rpc::Call& call, const xdr::Void&) {
    return lists_.exported(call);
}

PathConfiguration::Result Service1::path_configuration(rpc::Call& call, const AskedPath& path) {
    using Reply = PathConfiguration;
    Reply::Result result{};
    const auto found = find_for(call, places_, path);
    if (!found) {
        result.mask[0] = Reply::failed;
        return result;
    }
    const auto& limits = found->limits;
    result.links_max = at_most(limits.links_max, std::numeric_limits<std::int32_t>::max());
    result.name_bytes_max = at_most(limits.name_bytes_max, Reply::short_max);
    result.path_bytes_max = PATH_MAX;
    // Terminals and pipes belong to the client.
    result.mask[0] = Reply::no_line_bytes_max | Reply::no_input_bytes_max | Reply::no_pipe_bytes |
                     Reply::restricts_chown_and_refuses_long_names;
    return result;
}

xdr::Void Service3::null(rpc::Call&, const xdr::Void&) {
    return {};
}

Mount::Result Service3::mount(rpc::Call& call, const AskedPath& path) {
    const auto found = find_for(call, places_, path);
    if (!found) {
        tell_refused(call, path, found.error());
        return Mount::Result::otherwise(found.error().status);
    }
    tell_accepted(call, path, found->entry);
    lists_.add(call, found->path);
    std::vector<rpc::AuthFlavor> flavors;
    for (const auto flavor : found->flavors) flavors.push_back(to_wire(flavor));
    return Mount::Result::make<Status::ok>(
        {.handle = access::keep(call, found->handle), .flavors = {std::move(flavors)}});
}

Dump::Result Service3::dump(rpc::Call& call, const xdr::Void&) {
    return lists_.mounted(call);
}

xdr::Void Service3::unmount(rpc::Call& call, const DirectoryPath& directory) {
    lists_.remove(call, directory);
    return {};
}

xdr::Void Service3::unmount_all(rpc::Call& call, const xdr::Void&) {
    lists_.remove_all(call);
    return {};
}

Export::Result Service3::exports(rpc::Call& call, const xdr::Void&) {
    return lists_.exported(call);
}

constexpr std::array<rpc::Entry<Service1>, 8> Service1::procedures{
    rpc::on<rpc::Null, &Service1::null>(),
    rpc::on<Mount1, &Service1::mount>(),
    rpc::on<Dump, &Service1::dump>(),
    rpc::on<Unmount, &Service1::unmount>(),
    rpc::on<UnmountAll, &Service1::unmount_all>(),
    rpc::on<Export, &Service1::exports>(),
    rpc::on<ExportAll, &Service1::exports>(),
    rpc::on<PathConfiguration, &Service1::path_configuration>(),
};

constexpr std::array<rpc::Entry<Service3>, 6> Service3::procedures{
    rpc::on<rpc::Null, &Service3::null>(),
    rpc::on<Mount, &Service3::mount>(),
    rpc::on<Dump, &Service3::dump>(),
    rpc::on<Unmount, &Service3::unmount>(),
    rpc::on<UnmountAll, &Service3::unmount_all>(),
    rpc::on<Export, &Service3::exports>(),
};

std::vector<rpc::Program> Services::programs() {
    auto version1 = rpc::make_program(id1, service1_);
    version1.procedures.resize(PathConfiguration::id.number);
    return {std::move(version1), rpc::make_program(id2, service1_),
            rpc::make_program(id3, service3_)};
}

}  // namespace berth::mount
