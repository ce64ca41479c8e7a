#include "server/name_check.hpp"

#include <set>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::server {
namespace {

constexpr std::size_t told_max = 10;

/// Whether the name service answers.
bool ask(const exports::ClientRule& rule, exports::HostDirectory& hosts, std::size_t& told) {
    const auto& client = rule.client;
    if (client.kind == exports::ClientKind::netgroup) {
        // The directory logs that a netgroup is unknown.
        std::ignore = hosts.is_member(client.name, "localhost");
        return true;
    }
    if (client.kind != exports::ClientKind::host) return true;
    const auto addresses = hosts.addresses(client.name);
    if (!addresses.found.empty()) return true;
    if (!addresses.has_all_v4 || !addresses.has_all_v6) return false;
    if (++told > told_max) return true;
    spdlog::warn("{}: the host {} has no address now, so this entry is for no client",
                 rule.where.text(), client.name);
    return true;
}

}  // namespace

void tell_unknown_names(std::span<const exports::ClientRule> rules, exports::HostDirectory& hosts,
                        const std::stop_token& stop) {
    std::set<std::string> asked;
    std::size_t told = 0;
    for (const auto& rule : rules) {
        if (stop.stop_requested()) return;
        if (!rule.client.needs_names() || !asked.insert(rule.client.text()).second) continue;
        if (!ask(rule, hosts, told)) return;
    }
    if (told > told_max)
        spdlog::warn("exports: {} more hosts have no address now", told - told_max);
}

void NameCheck::begin(const exports::Table& table) {
    if (!thread_.await_end(std::chrono::milliseconds{0})) return;
    std::vector<exports::ClientRule> rules;
    for (const auto& exported : table.all())
        for (const auto& rule : exported.clients.all())
            if (!exported.is_nested && rule.client.needs_names()) rules.push_back(rule);
    if (rules.empty()) return;
    try {
        thread_ = threads::Background{
            "names", [this, rules = std::move(rules)](const std::stop_token& stop) {
                tell_unknown_names(rules, hosts_, stop);
            }};
    } catch (const std::system_error& error) {
        spdlog::warn("exports: not checked whether their names are known: {}", error.what());
    }
}

}  // namespace berth::server
