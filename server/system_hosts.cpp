#include "server/system_hosts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>

namespace berth::server {

namespace {

std::optional<vfs::ClientAddress> address_of(const sockaddr& from) {
    std::array<std::byte, 16> bytes{};
    if (from.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        std::memcpy(bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
        return vfs::ClientAddress::of(bytes, false);
    }
    if (from.sa_family != AF_INET6) return {};
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    std::memcpy(bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    return vfs::ClientAddress::of(bytes, true);
}

/// The names that reverse lookup gives; not to be believed without looking them up.
vfs::HostNames claimed_names(const vfs::ClientAddress& address) {
    const std::size_t size = address.is_v4() ? 4 : 16;
    const auto* const bytes = address.bytes.data() + (address.bytes.size() - size);
    std::vector<char> memory(4096);
    while (true) {
        hostent entry{};
        hostent* found = nullptr;
        int problem = 0;
        const int status = ::gethostbyaddr_r(bytes, static_cast<socklen_t>(size),
                                             address.is_v4() ? AF_INET : AF_INET6, &entry,
                                             memory.data(), memory.size(), &found, &problem);
        constexpr std::size_t memory_max = std::size_t{1} << 20;
        if (status == ERANGE && memory.size() < memory_max) {
            memory.resize(memory.size() * 2);
            continue;
        }
        if (found == nullptr) {
            const bool is_nobody = problem == HOST_NOT_FOUND || problem == NO_DATA;
            return {.found = {}, .is_whole = is_nobody};
        }
        vfs::HostNames names{.found = {entry.h_name}};
        for (auto* const* alias = entry.h_aliases; *alias != nullptr; ++alias)
            names.found.emplace_back(*alias);
        return names;
    }
}

/// Adds the addresses of one family. False: somebody who may know more could not be asked.
bool add_addresses(const std::string& host, int family, std::vector<vfs::ClientAddress>& addresses) {
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;  // or each address comes once per kind of socket
    addrinfo* list = nullptr;
    const int problem = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{list, ::freeaddrinfo};
    // No other word of it says that there is none.
    if (problem == EAI_NONAME || problem == EAI_NODATA || problem == EAI_ADDRFAMILY) return true;
    if (problem != 0) return false;
    for (const auto* entry = list; entry != nullptr; entry = entry->ai_next)
        if (const auto address = address_of(*entry->ai_addr)) addresses.push_back(*address);
    return true;
}

}  // namespace

void SystemHosts::tell_of_silence(const std::string& host) {
    constexpr std::chrono::minutes between_tellings{10};
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock held{telling_};
    if (told_ && now - *told_ < between_tellings) return;
    told_ = now;
    spdlog::warn("exports: the name service does not answer about {}; clients that an entry with a "
                 "name may mean wait until it does. Check /etc/resolv.conf and the name server",
                 host);
}

vfs::HostNames SystemHosts::names(const vfs::ClientAddress& address) {
    auto names = claimed_names(address);
    if (!names.is_whole) tell_of_silence(address.text());
    std::erase_if(names.found, [&](const std::string& name) {
        const auto leads_to = addresses(name);
        if (std::ranges::find(leads_to.found, address) != leads_to.found.end()) return false;
        names.is_whole &= leads_to.has_all_like(address);
        return true;
    });
    return names;
}

vfs::HostAddresses SystemHosts::addresses(const std::string& host) {
    vfs::HostAddresses addresses;
    addresses.has_all_v4 = add_addresses(host, AF_INET, addresses.found);
    addresses.has_all_v6 = add_addresses(host, AF_INET6, addresses.found);
    if (!addresses.has_all_v4) tell_of_silence(host);
    return addresses;
}

// The C library says "no" as well where the directory of netgroups fails. So it is believed of a
// netgroup that it can show.
vfs::Membership SystemHosts::is_member(const std::string& netgroup, const std::string& host) {
    constexpr std::size_t told_max = 1000;
    const std::scoped_lock held{netgroups_};
    if (::innetgr(netgroup.c_str(), host.c_str(), nullptr, nullptr) == 1)
        return vfs::Membership::yes;
    const bool is_there = ::setnetgrent(netgroup.c_str()) == 1;
    ::endnetgrent();
    if (is_there) {
        missing_netgroups_.erase(netgroup);
        return vfs::Membership::no;
    }
    if (missing_netgroups_.size() < told_max && missing_netgroups_.insert(netgroup).second)
        spdlog::warn("exports: the system knows no netgroup '{}', or can't be asked; clients that "
                     "it may mean wait until it can. Correct the name in the exports, or the "
                     "directory of netgroups",
                     netgroup);
    return vfs::Membership::unknown;
}

}  // namespace berth::server
