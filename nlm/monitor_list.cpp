#include "nlm/monitor_list.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <tuple>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "nlm/state/words.hpp"
#include "rpc/text/quoted.hpp"

namespace berth::nlm {
namespace {

using News = state::Store::News;

const std::string state_key = "state";
const std::string lacks_key = "lacks";

std::string key_of(const Host& host) {
    return "host " + host.address.text() + " " + to_hex(host.name);
}

std::string value_of(const Monitored& client) {
    return client.local.text() + (client.from_reserved_port ? " reserved" : " any");
}

std::optional<Monitored> parse(const state::Store::Entry& entry) {
    std::istringstream words{entry.key + " " + entry.value};
    std::string kind;
    std::string client;
    std::string name;
    std::string local;
    std::string port;
    words >> kind >> client >> name >> local;
    const bool is_whole = static_cast<bool>(words);
    words >> port;
    const auto address = rpc::Address::parse(client);
    const auto local_address = rpc::Address::parse(local);
    if (!is_whole || kind != "host" || !address || !local_address) return {};
    const auto parsed = from_hex(name);
    if (!parsed) return {};
    return Monitored{.host = {*address, *parsed},
                     .local = *local_address,
                     .used = {},
                     .from_reserved_port = port == "reserved"};
}

/// Lines "state NUMBER" and "host ADDRESS LOCAL NAME". The old format did not keep hosts' ports.
std::optional<state::Store::Entries> entries_of_monitors(const std::string& text) {
    if (!text.starts_with("state ") && !text.starts_with("host ")) return {};
    state::Store::Entries entries;
    std::istringstream in{text};
    std::string line;
    while (std::getline(in, line)) {
        std::istringstream words{line};
        std::string kind;
        std::string first;
        std::string local;
        std::string name;
        words >> kind >> first >> local >> name;
        const auto client = parse({fmt::format("{} {} {}", kind, first, name), local});
        if (kind == state_key)
            entries.push_back({state_key, first});
        else if (client && words)
            entries.push_back({key_of(client->host), value_of(*client)});
        else
            spdlog::warn("locks: malformed line in the list of clients skipped: {}",
                         text::Quoted{line});
    }
    return entries;
}

void tell_news(const News& news) {
    switch (news.what) {
    case News::What::fails:
        spdlog::error("locks: {} can't be written ({}): clients not listed there get no locks, "
                      "because they could not "
                      "be told of a restart; make room there, or let uid {} write "
                      "it, or start berth with another directory (--state)",
                      news.file, news.reason, ::geteuid());
        return;
    case News::What::works:
        spdlog::info("locks: {} can be written again; locks are granted again", news.file);
        return;
    case News::What::cut:
        spdlog::info("locks: the last record of {} is incomplete and has been "
                     "removed; its lock was never granted",
                     news.file);
        return;
    case News::What::damaged: break;
    }
    spdlog::error(
        "locks: {} is damaged ({}), so some clients that had locks may be unknown: for the whole "
        "grace period all clients may reclaim and new locks wait; "
        "unknown clients are not told of the restart. The damaged file "
        "is {}",
        news.file, news.reason,
        news.aside.empty() ? "moved aside when a new one is written"
                           : "kept beside it as " + news.aside);
}

/// Used after damage. Greater than any count of restarts, so that no client takes it for a number
/// that it knows already.
std::int32_t state_of_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    return static_cast<std::int32_t>(seconds & 0x7FFFFFFF) | 1;
}

}  // namespace

std::vector<Host> hosts_of(const std::vector<Monitored>& clients) {
    std::vector<Host> hosts;
    hosts.reserve(clients.size());
    for (const auto& client : clients) hosts.push_back(client.host);
    return hosts;
}

MonitorList::MonitorList(state::Store* store, bool refuses) : refuses_(refuses) {
    if (store != nullptr)
        file_.emplace(*store, state::Store::FileOptions{.name = "locks",
                                                        .tell = tell_news,
                                                        .convert = entries_of_monitors});
    Change change = 0;
    {
        auto clients = clients_.synchronize();
        if (file_) read(*clients);
        change = begin(*clients);
    }
    wait_for(change);
}

void MonitorList::read(Clients& clients) {
    clients.may_lack_hosts = file_->may_lack_entries();
    bool has_too_many = false;
    // First of all: a crash meanwhile must not make the remains of a list look complete.
    if (clients.may_lack_hosts) std::ignore = file_->put(lacks_key, "");
    for (const auto& entry : file_->found()) {
        if (entry.key == state_key) {
            std::int32_t state = 0;
            std::istringstream{entry.value} >> state;
            if (state > 0) state_ = state | 1;
        } else if (entry.key == lacks_key) {
            clients.may_lack_hosts = true;
        } else if (const auto client = parse(entry); !client) {
            spdlog::warn("{}: malformed entry skipped: {} {}", file_->path(),
                         text::Quoted{entry.key}, text::Quoted{entry.value});
            std::ignore = file_->erase(entry.key);
        } else if (clients.to_notify.size() < to_notify_max) {
            clients.to_notify.emplace(client->host, *client);
        } else {
            has_too_many = true;
            std::ignore = file_->erase(entry.key);
        }
    }
    if (has_too_many)
        spdlog::error("{}: more than {} clients; the others are not told of the restart",
                      file_->path(), to_notify_max);
    if (file_->may_lack_entries()) state_ = state_of_now() - 2;
}

MonitorList::Change MonitorList::begin(Clients& clients) {
    // The first odd number follows the largest.
    constexpr std::int32_t last = 0x7FFFFFFF;
    state_ = state_ >= last ? 1 : state_ + 2;
    for (auto& [host, entry] : clients.hosts) clients.to_notify.insert_or_assign(host, entry.host);
    std::erase_if(clients.hosts, [](const auto& entry) { return entry.second.stays == 0; });
    clients.reserved.clear();
    clients.addresses.clear();
    clients.names.clear();
    for (auto& [host, client] : clients.to_notify) {
        client.told.reset();
        clients.addresses.insert(host.address);
        clients.names.insert(host.name);
        if (client.from_reserved_port) clients.reserved.insert(host.address);
    }
    return file_ ? file_->put(state_key, std::to_string(state_.load())) : 0;
}

bool MonitorList::may_lack_hosts() const {
    auto clients = clients_.synchronize();
    return clients->may_lack_hosts;
}

void MonitorList::all_have_reclaimed() {
    auto clients = clients_.synchronize();
    if (std::exchange(clients->may_lack_hosts, false) && file_)
        std::ignore = file_->erase(lacks_key);
}

MonitorList::Change MonitorList::put(const Monitored& client) {
    return file_ ? file_->put(key_of(client.host), value_of(client)) : 0;
}

MonitorList::Change MonitorList::erase(const Clients& clients, const Host& host) {
    if (!file_ || clients.hosts.contains(host) || clients.to_notify.contains(host)) return 0;
    return file_->erase(key_of(host));
}

// Does not return the outcome: the log reports failures.
void MonitorList::wait_for(Change change) {
    if (file_) std::ignore = file_->wait_for(change);
}

void MonitorList::owe(const Monitored& host) {
    Change change = 0;
    {
        auto clients = clients_.synchronize();
        if (clients->to_notify.size() >= hosts_max ||
            !clients->to_notify.emplace(host.host, host).second)
            return;
        if (!clients->hosts.contains(host.host)) change = put(host);
    }
    wait_for(change);
}

void MonitorList::restart() {
    Change change = 0;
    {
        auto clients = clients_.synchronize();
        change = begin(*clients);
    }
    wait_for(change);
}

bool MonitorList::Clients::has_room_for(const Host& host) const {
    if (hosts.size() >= hosts_max) return false;
    const auto first = hosts.lower_bound({.address = host.address, .name = {}});
    const auto is_other = [&](const auto& entry) { return entry.first.address != host.address; };
    const auto of_address = std::distance(first, std::find_if(first, hosts.end(), is_other));
    return of_address < std::ptrdiff_t{address_hosts_max};
}

boost::system::result<MonitorList::Stay, MonitorList::Refusal> MonitorList::add(Monitored host) {
    if (refuses_) return Refusal::not_kept;
    host.used = std::chrono::steady_clock::now();
    Change change = 0;
    std::optional<Stay> stay;
    {
        auto clients = clients_.synchronize();
        auto found = clients->hosts.find(host.host);
        if (found == clients->hosts.end()) {
            if (!clients->has_room_for(host.host)) return Refusal::too_many;
            const auto before = clients->to_notify.find(host.host);
            if (before != clients->to_notify.end() && before->second.from_reserved_port)
                host.from_reserved_port = true;
            found = clients->hosts.emplace(host.host, Entry{.host = host}).first;
        }
        auto& known = found->second.host;
        known.used = host.used;
        if (host.state != 0) known.state = host.state;
        known.from_reserved_port = known.from_reserved_port || host.from_reserved_port;
        change = put(known);
        stay.emplace(*this, host.host);
        ++found->second.stays;
    }
    if (file_ && file_->wait_for(change)) return Refusal::not_kept;
    return *std::move(stay);
}

void MonitorList::end_stay(const Host& host) {
    auto clients = clients_.synchronize();
    if (const auto found = clients->hosts.find(host); found != clients->hosts.end())
        --found->second.stays;
}

std::int32_t MonitorList::state_of(const Host& host) const {
    auto clients = clients_.synchronize();
    const auto found = clients->hosts.find(host);
    return found == clients->hosts.end() ? 0 : found->second.host.state;
}

bool MonitorList::may_reclaim(const Host& host, bool from_reserved_port) const {
    auto clients = clients_.synchronize();
    if (!from_reserved_port && clients->reserved.contains(host.address)) return false;
    return clients->may_lack_hosts || clients->addresses.empty() ||
           clients->addresses.contains(host.address) ||
           (from_reserved_port && clients->names.contains(host.name));
}

void MonitorList::keep(const std::function<bool(const Host&)>& is_in_use,
                       Clock::time_point used_since, Clock::time_point told_since) {
    std::vector<Host> gone;
    Change change = 0;
    {
        auto clients = clients_.synchronize();
        std::erase_if(clients->hosts, [&](const auto& entry) {
            const auto& [client, stays] = entry.second;
            const bool goes = stays == 0 && client.used < used_since && !is_in_use(entry.first);
            if (goes) gone.push_back(entry.first);
            return goes;
        });
        std::erase_if(clients->to_notify, [&](const auto& entry) {
            const bool goes = entry.second.told && *entry.second.told < told_since;
            if (goes) gone.push_back(entry.first);
            return goes;
        });
        for (const auto& host : gone) change = std::max(change, erase(*clients, host));
    }
    wait_for(change);
}

std::vector<Monitored> MonitorList::to_notify() const {
    auto clients = clients_.synchronize();
    std::vector<Monitored> all;
    all.reserve(clients->to_notify.size());
    for (const auto& [host, entry] : clients->to_notify)
        if (!entry.told) all.push_back(entry);
    return all;
}

void MonitorList::told(const Host& host) {
    auto clients = clients_.synchronize();
    if (const auto found = clients->to_notify.find(host); found != clients->to_notify.end())
        found->second.told = Clock::now();
}

void MonitorList::forget(const Host& host) {
    auto clients = clients_.synchronize();
    if (clients->to_notify.erase(host) > 0) std::ignore = erase(*clients, host);
}

}  // namespace berth::nlm
