#include "nfs/exports/client_rule.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include <boost/container_hash/hash.hpp>

namespace berth::exports {
namespace {

/// Lower case as in DNS, whatever the locale.
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Removes the first element of `wildcard`, which stands for one character. True if `c` matches it.
bool takes(std::string_view& wildcard, char c) {
    if (wildcard.front() != '[') {
        const bool is_same = wildcard.front() == '?' || lower(wildcard.front()) == c;
        wildcard.remove_prefix(1);
        return is_same;
    }
    // A leading ']' is one of the characters.
    const bool is_negated = wildcard[1] == '!' || wildcard[1] == '^';
    const std::size_t first = is_negated ? 2 : 1;
    const auto end = wildcard.find(']', first + 1);
    bool is_in = false;
    for (auto at = first; at < end; ++at) {
        const bool is_range = at + 2 < end && wildcard[at + 1] == '-';
        is_in |= lower(wildcard[at]) <= c && c <= lower(wildcard[is_range ? at + 2 : at]);
        if (is_range) at += 2;
    }
    wildcard.remove_prefix(end + 1);
    return is_in != is_negated;
}

std::string describe(const Options& options) {
    std::string text = options.read_only ? "ro" : "rw";
    text += options.sync ? ",sync" : ",async";
    switch (options.squash) {
    case Squash::none: text += ",no_root_squash"; break;
    case Squash::root: text += ",root_squash"; break;
    case Squash::all: text += ",all_squash"; break;
    }
    text += ",anonuid=" + std::to_string(options.anonymous_uid);
    text += ",anongid=" + std::to_string(options.anonymous_gid);
    text += options.secure ? ",secure" : ",insecure";
    if (!options.lists_attributes) text += ",nordirplus";
    if (options.crosses_mounts) text += ",crossmnt";
    if (!options.is_hidden) text += ",nohide";
    for (const auto& range : options.users.ranges()) text += ",map-uid=" + range.text();
    for (const auto& range : options.groups.ranges()) text += ",map-gid=" + range.text();
    return text;
}

}  // namespace

std::string ClientPattern::text() const {
    switch (kind) {
    case ClientKind::host: return name.empty() ? network.address.text() : name;
    case ClientKind::network: return network.text();
    case ClientKind::wildcard: return name;
    case ClientKind::netgroup: return "@" + name;
    case ClientKind::everyone: break;
    }
    return "*";
}

std::size_t ClientPatternHash::operator()(const ClientPattern& pattern) const noexcept {
    const auto& address = pattern.network.address.bytes;
    const std::string_view bytes{reinterpret_cast<const char*>(address.data()), address.size()};
    const std::hash<std::string_view> hash;
    std::size_t value = hash(pattern.name);
    boost::hash_combine(value, hash(bytes));
    boost::hash_combine(value, pattern.network.bits);
    boost::hash_combine(value, static_cast<unsigned>(pattern.kind));
    return value;
}

std::vector<ClientPattern> private_clients() {
    constexpr std::array<std::pair<std::string_view, unsigned>, 9> networks{{{"127.0.0.0", 8},
                                                                             {"10.0.0.0", 8},
                                                                             {"172.16.0.0", 12},
                                                                             {"192.168.0.0", 16},
                                                                             {"100.64.0.0", 10},
                                                                             {"169.254.0.0", 16},
                                                                             {"::1", 128},
                                                                             {"fc00::", 7},
                                                                             {"fe80::", 10}}};
    std::vector<ClientPattern> clients;
    for (const auto& [text, length] : networks) {
        const auto address = ClientAddress::parse(text).value();
        const auto bits = length + (address.is_v4() ? ClientNetwork::bits_before_v4 : 0);
        const auto kind =
            bits == ClientNetwork::whole_address ? ClientKind::host : ClientKind::network;
        clients.push_back({.kind = kind, .name = {}, .network = ClientNetwork::of(address, bits)});
    }
    return clients;
}

bool matches_wildcard(std::string_view wildcard, std::string_view host) {
    // Where to go on after a mismatch: the last '*' takes one more character.
    std::optional<std::string_view> after_star;
    std::string_view host_at_star;
    while (true) {
        if (!wildcard.empty() && wildcard.front() == '*') {
            wildcard.remove_prefix(1);
            after_star = wildcard;
            host_at_star = host;
            continue;
        }
        if (host.empty() && wildcard.empty()) return true;
        if (!host.empty() && !wildcard.empty() && takes(wildcard, lower(host.front()))) {
            host.remove_prefix(1);
            continue;
        }
        if (!after_star || host_at_star.empty()) return false;
        host_at_star.remove_prefix(1);
        host = host_at_star;
        wildcard = *after_star;
    }
}

std::string_view problem_of_wildcard(std::string_view wildcard) {
    for (std::size_t at = 0; at < wildcard.size(); ++at) {
        if (wildcard[at] == ']') return "a ']' without a '['";
        if (wildcard[at] != '[') continue;
        const bool is_negated =
            at + 1 < wildcard.size() && (wildcard[at + 1] == '!' || wildcard[at + 1] == '^');
        const auto end = wildcard.find(']', at + (is_negated ? 3 : 2));
        if (end == std::string_view::npos) return "a '[' without its ']', or nothing between them";
        at = end;
    }
    return {};
}

std::string SourcePlace::text() const {
    if (line == 0) return file;
    return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string describe(const ClientRule& rule) {
    const auto& first = rule.options(rule.offered.front());
    const auto name = [](Flavor flavor) -> std::string {
        return flavor == Flavor::sys ? "sys" : "none";
    };
    const bool is_default = rule.offered == std::vector{Flavor::sys} && rule.none;
    if (is_default) return describe(*rule.sys);
    if (rule.offered.size() == 1)
        return "sec=" + name(rule.offered.front()) + "," + describe(*first);
    const auto second = rule.offered.back();
    if (rule.sys == rule.none)
        return "sec=" + name(rule.offered.front()) + ":" + name(second) + "," + describe(*first);
    return "sec=" + name(rule.offered.front()) + "," + describe(*first) + ",sec=" + name(second) +
           "," + describe(*rule.options(second));
}

}  // namespace berth::exports
