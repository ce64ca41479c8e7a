#include "nlm/recovery.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "nlm/locking.hpp"
#include "nlm/nsm_protocol.hpp"
#include "rpc/peer_log.hpp"

namespace berth::nlm {
namespace {

/// The time that a client may need to return after a power cut that hit everything.
constexpr std::chrono::minutes notice_patience{15};
/// For one address: clients that share it have different names.
constexpr std::size_t confirmations_max = 8;

/// A datagram proves nothing about its source.
bool is_anybodys(const rpc::Call& call) {
    return call.transport == rpc::Transport::udp;
}

}  // namespace

void Recovery::notify(const Monitored& client) {
    Callback callback{.path = {.client = client.host.address,
                               .local = client.local,
                               .transport = rpc::Transport::udp,
                               .is_owed = true},
                      .program = nsm::id1,
                      .call = {},
                      .patience = notice_patience,
                      .any_transport = true};
    callback.call = [this, host = client.host, state = monitored_.state()](rpc::Client& nsm) {
        if (!nsm.call<nsm::Notify>({std::string_view{host_name_}, state})) return false;
        spdlog::info("locks: {} knows of the restart", host.text());
        grace_.heard_of(host);
        monitored_.told(host);
        return true;
    };
    callback.given_up = [this, host = client.host] {
        spdlog::warn("locks: {} could not be told of the restart, and may believe that it has its "
                     "locks still: if it is in use, unmount and mount there",
                     host.text());
        grace_.not_awaited(host);
        monitored_.forget(host);
    };
    callbacks_.post(std::move(callback));
}

// A restart of this server alone does not affect locks at other lock managers of the machine.
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

Recovery::Notice Recovery::notice_of(const rpc::Call& call, std::string_view name,
                                     std::int32_t state) {
    return {.from = call.caller.address,
            .local = call.local.address,
            .name = std::string{name},
            .state = state,
            .from_reserved_port = call.caller.has_reserved_port()};
}

std::vector<Host> Recovery::hosts_meant(const Notice& notice) const {
    std::set<Host> there;
    for (auto& host : table_.hosts())
        if (host.address == notice.from) there.insert(std::move(host));
    for (auto& client : monitored_.to_notify())
        if (client.host.address == notice.from) there.insert(std::move(client.host));
    return meant_by(notice.name, {there.begin(), there.end()});
}

bool Recovery::concerns_anybody(const Notice& notice) const {
    return watches_.has_host(notice.from) || !hosts_meant(notice).empty();
}

void Recovery::restarted(const rpc::Call& call, std::string_view name, std::int32_t state) {
    auto notice = notice_of(call, name, state);
    if (is_anybodys(call))
        confirm(std::move(notice));
    else
        act_on(notice, true);
}

void Recovery::confirm(Notice notice) {
    if (!concerns_anybody(notice)) return;
    {
        auto being_confirmed = being_confirmed_.synchronize();
        const auto [first, last] = being_confirmed->equal_range(notice.from);
        const auto is_same = [&](const auto& entry) { return entry.second == notice.name; };
        if (std::any_of(first, last, is_same) ||
            std::distance(first, last) >= std::ptrdiff_t{confirmations_max})
            return;
        being_confirmed->emplace(notice.from, notice.name);
    }
    Callback callback{.path = {.client = notice.from,
                               .local = notice.local,
                               .transport = rpc::Transport::udp,
                               .call_bytes = host_name_.size()},
                      .program = nsm::id1,
                      .call = {},
                      .patience = notice_patience,
                      .any_transport = true};
    callback.call = [this, notice](rpc::Client& nsm) { return confirmed(notice, nsm); };
    callback.given_up = [this, notice] {
        rpc::warn_of(notice.from,
                     "locks: a datagram says that {} has restarted, but no status monitor there "
                     "confirms it; its locks stay. If it is gone for good, run 'berth locks "
                     "release {}'",
                     notice.from, notice.from);
        end_confirming(notice);
    };
    callbacks_.post(std::move(callback));
}

// True: there is nothing more to ask.
bool Recovery::confirmed(const Notice& notice, rpc::Client& status_monitor) {
    const auto answer = status_monitor.call<nsm::Stat>({std::string_view{host_name_}});
    if (!answer) return false;
    // A monitor that is not up to date yet may be later.
    if (notice.state != 0 && answer->state != notice.state) return false;
    end_confirming(notice);
    auto shown = notice;
    shown.state = answer->state;
    // A notice without a number does not prove that locks taken without one are lost.
    act_on(shown, notice.state != 0);
    return true;
}

void Recovery::end_confirming(const Notice& notice) {
    auto being_confirmed = being_confirmed_.synchronize();
    const auto [first, last] = being_confirmed->equal_range(notice.from);
    const auto found =
        std::find_if(first, last, [&](const auto& entry) { return entry.second == notice.name; });
    if (found != last) being_confirmed->erase(found);
}

void Recovery::act_on(const Notice& notice, bool is_numbered) {
    const bool is_root = notice.from_reserved_port;
    const bool is_restart = is_root && is_numbered;
    if (is_restart) watches_.restarted(notice.from, notice.state);
    for (const auto& host : hosts_meant(notice)) {
        // Locks taken with this number are newer than the restart: the notice was slow, or is a
        // repeat.
        const auto freed =
            table_.free([=, state = notice.state](const Owner& owner, const Taken& taken) {
                return owner.host == host && (is_root || !taken.from_reserved_port) &&
                       (taken.state == 0 ? is_numbered : taken.state != state);
            });
        rpc::info_of(host.address, "locks: {} has restarted; {} lock(s) freed", host.text(), freed);
        if (!is_restart) continue;
        grace_.not_awaited(host);
        monitored_.forget(host);
    }
}

void Recovery::free_all(const rpc::Call& call, std::string_view name) {
    const auto notice = notice_of(call, name, 0);
    if (is_anybodys(call)) {
        confirm(notice);
        return;
    }
    auto hosts = table_.hosts();
    std::erase_if(hosts, [&](const Host& host) { return host.address != notice.from; });
    const auto meant = meant_by(name, std::move(hosts));
    if (meant.empty()) return;
    table_.free(
        [meant, is_root = notice.from_reserved_port](const Owner& owner, const Taken& taken) {
            return std::ranges::find(meant, owner.host) != meant.end() &&
                   (is_root || !taken.from_reserved_port);
        });
}

void Recovery::simulate_crash(std::string_view cause) {
    spdlog::warn("locks: {}; all locks are released", cause);
    monitored_.restart();
    grace_.begin(
        {.hosts = hosts_of(monitored_.to_notify()), .may_lack_some = monitored_.may_lack_hosts()});
    watches_.end_all([this](const Watch& watch) { owe(watch); });
    table_.free([](const Owner&, const Taken&) { return true; });
    notify_all();
}

}  // namespace berth::nlm
