#include "nlm/monitor_list.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <tuple>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "nfs/vfs/kept_file.hpp"
#include "nlm/state/kept_file.hpp"

namespace berth::nlm {
namespace {

std::optional<Monitored> parse_host(std::istringstream& words) {
    std::string client;
    std::string local;
    std::string name;
    words >> client >> local >> name;
    const auto address = rpc::Address::parse(client);
    const auto local_address = rpc::Address::parse(local);
    if (!words || !address || !local_address) return {};
    const auto parsed = from_hex(name);
    if (!parsed) return {};
    return Monitored{.host = {*address, *parsed}, .local = *local_address};
}

}  // namespace

std::vector<Host> hosts_of(const std::vector<Monitored>& clients) {
    std::vector<Host> hosts;
    hosts.reserve(clients.size());
    for (const auto& client : clients) hosts.push_back(client.host);
    return hosts;
}

MonitorList::MonitorList(std::optional<std::filesystem::path> file, bool refuses)
    : file_(std::move(file)),
      refuses_(refuses) {
    if (file_) read();
    begin();
    if (!file_) return;
    keeper_.emplace(vfs::FileKeeper::Options{
        .file = *file_,
        .contents = [this] { return text(); },
        .tell = [this](const std::error_code& failure) { tell(failure); }});
    std::ignore = keeper_->write_now();
}

void MonitorList::begin() {
    // The largest odd number is followed by the first.
    constexpr std::int32_t last = 0x7FFFFFFF;
    state_ = state_ >= last ? 1 : state_ + 2;
    for (auto& [host, entry] : hosts_) {
        entry.host.is_in_file = is_kept(entry.put_by);
        to_notify_.emplace(host, entry.host);
    }
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.stays == 0; });
    for (auto& [host, entry] : to_notify_) entry.told.reset();
}

vfs::FileKeeper::Change MonitorList::note_change() {
    return keeper_ ? keeper_->note_change() : 0;
}

void MonitorList::owe(const Monitored& host) {
    vfs::FileKeeper::Change change = 0;
    {
        const std::lock_guard guard{lock_};
        if (to_notify_.size() >= hosts_max || !to_notify_.emplace(host.host, host).second) return;
        change = note_change();
    }
    if (keeper_) std::ignore = keeper_->wait_for(change);
}

void MonitorList::restart() {
    vfs::FileKeeper::Change change = 0;
    {
        const std::lock_guard guard{lock_};
        begin();
        change = note_change();
    }
    if (keeper_) std::ignore = keeper_->wait_for(change);
}

void MonitorList::read() {
    std::istringstream in{vfs::read_file_if_there(*file_)};
    std::string line;
    while (std::getline(in, line)) {
        std::istringstream words{line};
        std::string key;
        words >> key;
        if (key == "state") {
            std::int32_t state = 0;
            words >> state;
            if (words && state > 0) state_ = state | 1;
        } else if (key == "host") {
            if (to_notify_.size() >= to_notify_max) {
                spdlog::error("{}: more than {} clients; the others are not told of the restart",
                              file_->string(), to_notify_max);
                return;
            }
            if (auto host = parse_host(words)) {
                host->is_in_file = true;
                to_notify_.emplace(host->host, *host);
                continue;
            }
            spdlog::warn("{}: not a client: '{}'", file_->string(), line);
        }
    }
}

std::string MonitorList::text() const {
    const std::lock_guard guard{lock_};
    std::string text = "state " + std::to_string(state_) + "\n";
    const auto add = [&](const Monitored& client) {
        text += "host " + client.host.address.text() + " " + client.local.text() + " " +
                to_hex(client.host.name) + "\n";
    };
    for (const auto& [host, entry] : hosts_) add(entry.host);
    for (const auto& [host, client] : to_notify_) add(client);
    return text;
}

void MonitorList::tell(const std::error_code& failure) const {
    if (!failure) {
        spdlog::info("locks: {} can be written again; locks are granted again", file_->string());
        return;
    }
    spdlog::error("locks: {} can't be written ({}): clients that are not in it get no locks, as "
                  "they would not hear of a restart that loses them; make room there, or let uid "
                  "{} write it, or start berth with another directory after --state",
                  file_->string(), failure.message(), ::geteuid());
}

bool MonitorList::has_room_for(const Host& host) const {
    if (hosts_.size() >= hosts_max) return false;
    const auto first = hosts_.lower_bound({.address = host.address, .name = {}});
    const auto is_other = [&](const auto& entry) { return entry.first.address != host.address; };
    const auto of_address = std::distance(first, std::find_if(first, hosts_.end(), is_other));
    return of_address < std::ptrdiff_t{address_hosts_max};
}

boost::system::result<MonitorList::Stay, MonitorList::Refusal> MonitorList::add(Monitored host) {
    if (refuses_) return Refusal::not_kept;
    host.used = std::chrono::steady_clock::now();
    vfs::FileKeeper::Change put_by = 0;
    std::optional<Stay> stay;
    {
        const std::lock_guard guard{lock_};
        auto found = hosts_.find(host.host);
        if (found == hosts_.end()) {
            if (!has_room_for(host.host)) return Refusal::too_many;
            found = hosts_.emplace(host.host, Entry{.host = host}).first;
            const auto change = note_change();
            // Whoever reclaims is there already.
            const auto known = to_notify_.find(host.host);
            const bool is_there = known != to_notify_.end() && known->second.is_in_file;
            found->second.put_by = is_there ? 0 : change;
        } else {
            found->second.host.used = host.used;
            if (host.state != 0) found->second.host.state = host.state;
            // It could not be written then; now, perhaps.
            if (!is_kept(found->second.put_by)) found->second.put_by = note_change();
        }
        put_by = found->second.put_by;
        ++found->second.stays;
        stay.emplace(*this, host.host);
    }
    if (!is_kept(put_by) && keeper_->wait_for(put_by)) return Refusal::not_kept;
    return *std::move(stay);
}

bool MonitorList::is_kept(vfs::FileKeeper::Change put_by) const {
    return !keeper_ || keeper_->is_kept(put_by);
}

void MonitorList::end_stay(const Host& host) {
    const std::lock_guard guard{lock_};
    if (const auto found = hosts_.find(host); found != hosts_.end()) --found->second.stays;
}

std::int32_t MonitorList::state_of(const Host& host) const {
    const std::lock_guard guard{lock_};
    const auto found = hosts_.find(host);
    return found == hosts_.end() ? 0 : found->second.host.state;
}

void MonitorList::keep(const std::function<bool(const Host&)>& is_in_use,
                       Clock::time_point used_since, Clock::time_point told_since) {
    vfs::FileKeeper::Change change = 0;
    {
        const std::lock_guard guard{lock_};
        const auto unused = std::erase_if(hosts_, [&](const auto& entry) {
            const auto& [client, put_by, stays] = entry.second;
            return stays == 0 && client.used < used_since && !is_in_use(entry.first);
        });
        const auto silent = std::erase_if(to_notify_, [&](const auto& entry) {
            return entry.second.told && *entry.second.told < told_since;
        });
        if (unused + silent == 0) return;
        change = note_change();
    }
    if (keeper_) std::ignore = keeper_->wait_for(change);
}

std::vector<Monitored> MonitorList::to_notify() const {
    const std::lock_guard guard{lock_};
    std::vector<Monitored> all;
    all.reserve(to_notify_.size());
    for (const auto& [host, entry] : to_notify_)
        if (!entry.told) all.push_back(entry);
    return all;
}

void MonitorList::told(const Host& host) {
    const std::lock_guard guard{lock_};
    if (const auto found = to_notify_.find(host); found != to_notify_.end())
        found->second.told = Clock::now();
}

void MonitorList::forget(const Host& host) {
    const std::lock_guard guard{lock_};
    if (to_notify_.erase(host) > 0) note_change();
}

}  // namespace berth::nlm
