#include "nlm/monitor_list.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

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

MonitorList::MonitorList(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
    if (file_) read();
    begin();
}

void MonitorList::begin() {
    // The largest odd number is followed by the first.
    constexpr std::int32_t last = 0x7FFFFFFF;
    state_ = state_ >= last ? 1 : state_ + 2;
    to_notify_.merge(hosts_);
    hosts_.clear();
    for (auto& [host, entry] : to_notify_) entry.told.reset();
    write();
}

void MonitorList::owe(const Monitored& host) {
    const std::lock_guard guard{lock_};
    if (to_notify_.size() >= hosts_max || !to_notify_.emplace(host.host, host).second) return;
    write();
}

void MonitorList::restart() {
    const std::lock_guard guard{lock_};
    begin();
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
                to_notify_.emplace(host->host, *host);
                continue;
            }
            spdlog::warn("{}: not a client: '{}'", file_->string(), line);
        }
    }
}

void MonitorList::write() const {
    if (!file_) return;
    std::string text = "state " + std::to_string(state_) + "\n";
    for (const auto* list : {&hosts_, &to_notify_})
        for (const auto& [host, entry] : *list)
            text += "host " + host.address.text() + " " + entry.local.text() + " " +
                    to_hex(host.name) + "\n";
    if (const auto error = vfs::replace_file(*file_, text))
        spdlog::error("{}: can't be written ({}): after a restart clients would not know that "
                      "they must lock again",
                      file_->string(), error.message());
}

bool MonitorList::add(Monitored host) {
    host.used = std::chrono::steady_clock::now();
    const std::lock_guard guard{lock_};
    if (const auto found = hosts_.find(host.host); found != hosts_.end()) {
        found->second.used = host.used;
        if (host.state != 0) found->second.state = host.state;
        return true;
    }
    if (hosts_.size() >= hosts_max) return false;
    const auto first = hosts_.lower_bound({.address = host.host.address, .name = {}});
    const auto is_other = [&](const auto& entry) {
        return entry.first.address != host.host.address;
    };
    const auto of_address = std::distance(first, std::find_if(first, hosts_.end(), is_other));
    if (of_address >= std::ptrdiff_t{address_hosts_max}) return false;
    hosts_.emplace(host.host, host);
    write();
    return true;
}

std::int32_t MonitorList::state_of(const Host& host) const {
    const std::lock_guard guard{lock_};
    const auto found = hosts_.find(host);
    return found == hosts_.end() ? 0 : found->second.state;
}

void MonitorList::keep(const std::function<bool(const Host&)>& is_in_use,
                       Clock::time_point used_since, Clock::time_point told_since) {
    const std::lock_guard guard{lock_};
    const auto unused = std::erase_if(hosts_, [&](const auto& entry) {
        return entry.second.used < used_since && !is_in_use(entry.first);
    });
    const auto silent = std::erase_if(to_notify_, [&](const auto& entry) {
        return entry.second.told && *entry.second.told < told_since;
    });
    if (unused + silent > 0) write();
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
    if (to_notify_.erase(host) > 0) write();
}

}  // namespace berth::nlm
