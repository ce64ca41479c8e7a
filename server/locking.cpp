#include "server/locking.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "portmap/look_up.hpp"
#include "server/system_hosts.hpp"

namespace berth::server {
namespace {

/// On a network that works, a lock manager answers in milliseconds; one that is away is tried
/// again.
constexpr std::chrono::seconds patience{3};

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

rpc::ClientIdentity identity() {
    return {.flavor = rpc::AuthFlavor::sys, .gids = {}, .machine_name = host_name()};
}

/// What an attempt sends at most, beyond what the call itself is made of: the question to the
/// portmapper, the headers of both.
constexpr std::size_t attempt_datagrams = 2;
constexpr std::size_t attempt_bytes = 320;

/// A client of that program on the machine that called, found through its portmapper.
std::unique_ptr<rpc::Client> connect(rpc::Correspondents& correspondents,
                                     const nlm::ReturnPath& path, const rpc::ProgramId& program) {
    // Whoever has connected is free to be called.
    if (!path.is_owed &&
        !correspondents.spend(path.client, attempt_datagrams, attempt_bytes + path.call_bytes)) {
        spdlog::debug("{} of {}: not called, because only datagrams came from there, and few",
                      program.name, path.client.text());
        return {};
    }
    const auto port = portmap::look_up(path.client, path.local,
                                       {.program = program, .transport = path.transport}, patience);
    if (!port || !*port) {
        spdlog::debug("{} of {}: {}", program.name, path.client.text(),
                      port ? "not registered there" : port.error().text());
        return {};
    }
    rpc::ChannelOptions options;
    options.give_up_after = patience;
    options.retransmit_after = patience;  // a second GRANTED is not the same as a first one
    options.source = rpc::Endpoint{path.local, 0};
    options.from_reserved_port = path.from_reserved_port;
    return std::make_unique<rpc::Client>(
        rpc::open_channel(path.transport, {path.client, **port}, options), program, identity());
}

std::vector<rpc::Address> addresses_of(const std::string& name) {
    std::vector<rpc::Address> found;
    for (const auto& address : SystemHosts{}.addresses(name).found)
        if (const auto parsed = rpc::Address::parse(address.text())) found.push_back(*parsed);
    return found;
}

/// The kernel has another word for it after each boot.
std::string boot() {
    std::string word;
    std::ifstream{"/proc/sys/kernel/random/boot_id"} >> word;
    return word;
}

/// Locks may have a quarter of all descriptors, so that there are always some for reads and writes.
std::size_t open_files_max() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return nlm::LockLimits{}.open_files_max;
    return std::min<std::size_t>(nlm::LockLimits{}.open_files_max, limit.rlim_cur / 4);
}

}  // namespace

nlm::Options locking_options(const ServeOptions& options, const StateDirectory& state,
                             std::shared_ptr<rpc::Correspondents> correspondents) {
    nlm::Options locking{
        .state_file = state.file("locks"),
        .lacks_state_file = !state.file("locks").has_value(),
        .grace = options.grace,
        .limits = {.open_files_max = open_files_max()},
        .host_name = host_name(),
        .connect = [known = std::move(correspondents)](
                       const nlm::ReturnPath& path,
                       const rpc::ProgramId& program) { return connect(*known, path, program); },
        .watches = {.file = state.file("watches"), .boot = boot(), .resolve = addresses_of}};
    return locking;
}

}  // namespace berth::server
