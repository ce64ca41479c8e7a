#include "server/lock_manager.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "portmap/look_up.hpp"
#include "server/system_hosts.hpp"

namespace berth::server {
namespace {

/// On a working network a lock manager answers in milliseconds; one that is away is retried.
constexpr std::chrono::seconds patience{3};

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

rpc::ClientIdentity identity() {
    return {.flavor = rpc::AuthFlavor::sys, .gids = {}, .machine_name = host_name()};
}

/// The most that an attempt sends in addition to the call itself: the question to the portmapper,
/// and the headers of both.
constexpr std::size_t callback_datagrams = 2;
constexpr std::size_t callback_bytes = 320;

/// Returns a client of that program on the calling machine, found through its portmapper.
std::unique_ptr<rpc::Client> connect(rpc::Correspondents& correspondents,
                                     const nlm::ReturnPath& path, const rpc::ProgramId& program) {
    // A machine that has connected may be called freely.
    if (!path.is_owed &&
        !correspondents.spend(path.client, callback_datagrams, callback_bytes + path.call_bytes)) {
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
    options.retransmit_after = patience;  // a second GRANTED does not mean the same as the first
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

/// A word that the kernel changes with each boot.
std::string boot() {
    std::string word;
    std::ifstream{"/proc/sys/kernel/random/boot_id"} >> word;
    return word;
}

}  // namespace

nlm::Options locking_options(const ServeOptions& options, state::Store* state,
                             std::shared_ptr<rpc::Correspondents> correspondents,
                             std::size_t descriptors_max) {
    nlm::Options locking{.state = state,
                         .lacks_state = state == nullptr,
                         .grace = options.grace,
                         .limits = {.open_files_max = descriptors_max},
                         .host_name = host_name(),
                         .connect =
                             [known = std::move(correspondents)](const nlm::ReturnPath& path,
                                                                 const rpc::ProgramId& program) {
                                 return connect(*known, path, program);
                             },
                         .watches = {.boot = boot(), .resolve = addresses_of}};
    return locking;
}

}  // namespace berth::server
