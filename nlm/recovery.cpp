#include "nlm/recovery.hpp"

#include <set>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "nlm/locking.hpp"
#include "nlm/nsm_protocol.hpp"

namespace berth::nlm {
namespace {

/// As long as a client may take to be back after a power cut that hit all.
constexpr std::chrono::minutes notice_patience{15};

}  // namespace

void Recovery::notify(const Monitored& client) {
    Callback callback{.path = {.client = client.host.address,
                               .local = client.local,
                               .transport = rpc::Transport::udp},
                      .program = nsm::id1,
                      .attempt = {},
                      .patience = notice_patience,
                      .any_transport = true};
    callback.attempt = [this, host = client.host, state = monitored_.state()](rpc::Client& nsm) {
        if (!nsm.call<nsm::Notify>({std::string_view{host_name_}, state})) return false;
        spdlog::info("locks: {} knows of the restart", host.text());
        grace_.heard_of(host);
        monitored_.told(host);
        return true;
    };
    callback.given_up = [this, host = client.host] {
        spdlog::warn("locks: {} could not be told of the restart", host.text());
        grace_.not_awaited(host);
        monitored_.forget(host);
    };
    callbacks_.post(std::move(callback));
}

// A restart of this server alone takes no locks from other lock managers of the machine.
void Recovery::owe(const Watch& watch) {
    const auto& address = watch.addresses.front();
    rpc::Address any;
    any.v6 = address.v6;
    monitored_.owe({.host = {address, watch.host}, .local = any, .used = {}});
}

void Recovery::notify_all() {
    watches_.end_lost([this](const Watch& watch) { owe(watch); });
    for (const auto& client : monitored_.to_notify()) notify(client);
}

void Recovery::restarted(const rpc::Address& from, std::string_view name, std::int32_t state) {
    watches_.restarted(from, state);
    std::set<Host> there;
    for (auto& host : table_.hosts())
        if (host.address == from) there.insert(std::move(host));
    for (auto& client : monitored_.to_notify())
        if (client.host.address == from) there.insert(std::move(client.host));

    for (const auto& host : meant_by(name, {there.begin(), there.end()})) {
        // What came with this number has been taken since: the notice was slower, or comes again.
        const auto freed = table_.free([host, state](const Owner& owner, std::int32_t then) {
            return owner.host == host && (then == 0 || then != state);
        });
        spdlog::info("locks: {} has restarted; {} lock(s) freed", host.text(), freed);
        grace_.not_awaited(host);
        monitored_.forget(host);
    }
}

void Recovery::simulate_crash() {
    spdlog::warn("locks: told to act as after a crash; every lock is lost");
    monitored_.restart();
    grace_.begin(hosts_of(monitored_.to_notify()));
    watches_.end_all([this](const Watch& watch) { owe(watch); });
    table_.free([](const Owner&, std::int32_t) { return true; });
    notify_all();
}

}  // namespace berth::nlm
