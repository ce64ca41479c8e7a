#include "portmap/registrar.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "portmap/protocol.hpp"
#include "portmap/reach.hpp"
#include "rpc/channel.hpp"

namespace berth::portmap {
namespace {

using boost::system::errc::errc_t;

/// The texts live as long as the call.
rpcbind::Binding binding_of(const Registration& what, const std::string& address) {
    return {.program = what.program,
            .version = what.version,
            .netid = text(what.netid),
            .address = std::string_view{address},
            .owner = std::string_view{what.owner}};
}

/// Sends only once: a retransmitted SET would be refused as a second one.
rpc::ChannelOptions patient(std::chrono::seconds patience) {
    rpc::ChannelOptions options;
    options.retransmit_after = patience;
    options.give_up_after = patience;
    return options;
}

/// Empty if the call was sent and answered.
std::optional<rpc::Failure> failure_of_null(rpc::Client& client) {
    const auto answer = client.call<rpc::Null>({});
    return answer ? std::nullopt : std::optional{answer.error()};
}

/// Over its unix socket, where rpcbind lets every user register: it sees who calls.
std::unique_ptr<rpc::Client> open_rpcbind_as_user() {
    constexpr const char* path = "/run/rpcbind.sock";
    auto client = std::make_unique<rpc::Client>(
        rpc::open_local_channel(path, patient(std::chrono::seconds{3})), rpcbind::id4);
    if (failure_of_null(*client)) client.reset();
    return client;
}

/// Over TCP, where a source port that another socket uses is an error; over UDP the two sockets
/// would receive each other's replies.
std::unique_ptr<rpc::Client> open_system_rpcbind(std::string& reason) {
    constexpr std::uint16_t highest_reserved = 1023;
    constexpr std::uint16_t lowest_tried = 600;
    auto options = patient(std::chrono::seconds{3});
    options.source = rpc::Endpoint{loopback(false), highest_reserved};
    for (;;) {
        auto client = std::make_unique<rpc::Client>(
            rpc::open_channel(rpc::Transport::tcp, {loopback(false), port_number}, options),
            rpcbind::id4);
        const auto failure = failure_of_null(*client);
        if (!failure) return client;
        const auto& error = failure->system;
        const bool port_is_taken =
            error == errc_t::address_in_use || error == errc_t::address_not_available;
        if (options.source && error == errc_t::permission_denied) {
            if (auto as_user = open_rpcbind_as_user()) return as_user;
            options.source.reset();
        } else if (options.source && port_is_taken && options.source->port > lowest_tried) {
            --options.source->port;
        } else {
            reason = failure->text();
            return {};
        }
    }
}

/// Any answer comes from a living server, and one that says nothing may only be slow. So nobody is
/// there only if the machine reports that nobody listens.
bool answers_null(const Registration& there) {
    auto at = there.at;
    if (at.address.is_any()) at.address = loopback(at.address.v6);
    rpc::Client client{
        rpc::open_channel(transport_of(there.netid), at, patient(std::chrono::seconds{1})),
        {.number = there.program, .version = there.version, .name = {}}};
    const auto failure = failure_of_null(client);
    return !failure || failure->system != errc_t::connection_refused;
}

}  // namespace

std::unique_ptr<Registrar> Registrar::connect(std::string& reason) {
    return connect(open_system_rpcbind, answers_null, reason);
}

std::unique_ptr<Registrar> Registrar::connect(Open open, IsAlive is_alive, std::string& reason) {
    std::unique_ptr<Registrar> made{new Registrar{std::move(open), std::move(is_alive)}};
    if (!made->reopen(reason)) made.reset();
    return made;
}

bool Registrar::reopen(std::string& reason) {
    client_ = open_(reason);
    if (!client_) return false;
    const auto dumped = client_->call<rpcbind::Dump>({});
    if (!dumped) {
        reason = dumped.error().text();
        return false;
    }
    table_.clear();
    for (const auto& binding : dumped->items) {
        table_.push_back({binding.program, binding.version, std::string{binding.netid},
                          std::string{binding.address}});
    }
    return true;
}

const Registrar::Known* Registrar::find(const Registration& key) const {
    const auto found = std::ranges::find_if(table_, [&](const Known& known) {
        return known.program == key.program && known.version == key.version &&
               known.netid == text(key.netid);
    });
    return found == table_.end() ? nullptr : &*found;
}

bool Registrar::is_stale(const Known& known, const Registration& what) const {
    auto there = what;
    const auto at = rpc::Endpoint::parse_universal_address(known.address);
    if (!at) return true;
    there.at = *at;
    return there.at.port == what.at.port || !is_alive_(there);
}

bool Registrar::add(const Registration& what) {
    if (const auto* known = find(what)) {
        if (!is_stale(*known, what)) return false;
        unset(what);
    }
    const auto address = what.at.universal_address();
    const auto answer = client_->call<rpcbind::Set>(binding_of(what, address));
    if (!answer || !*answer) return false;
    added_.push_back(what);
    return true;
}

void Registrar::unset(const Registration& what) {
    client_->call<rpcbind::Unset>(binding_of(what, {}));
}

void Registrar::remove_all() {
    const auto added = std::exchange(added_, {});
    std::string reason;
    if (added.empty() || !reopen(reason)) return;
    for (const auto& what : added) {
        const auto* known = find(what);
        if (known != nullptr && known->address == what.at.universal_address()) unset(what);
    }
}

}  // namespace berth::portmap
