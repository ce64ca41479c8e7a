#include "server/system_hosts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

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
std::optional<std::vector<std::string>> claimed_names(const vfs::ClientAddress& address) {
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
            if (is_nobody) return std::vector<std::string>{};
            return {};
        }
        std::vector<std::string> names{entry.h_name};
        for (auto* const* alias = entry.h_aliases; *alias != nullptr; ++alias)
            names.emplace_back(*alias);
        return names;
    }
}

}  // namespace

std::optional<std::vector<std::string>> SystemHosts::names(const vfs::ClientAddress& address) {
    auto names = claimed_names(address);
    if (!names) return names;
    bool is_certain = true;
    std::erase_if(*names, [&](const std::string& name) {
        const auto leads_to = addresses(name);
        is_certain &= leads_to.has_value();
        return !leads_to || std::ranges::find(*leads_to, address) == leads_to->end();
    });
    if (names->empty() && !is_certain) return {};
    return names;
}

std::optional<std::vector<vfs::ClientAddress>> SystemHosts::addresses(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // or each address comes once per kind of socket
    addrinfo* list = nullptr;
    const int problem = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{list, ::freeaddrinfo};
    if (problem == EAI_AGAIN || problem == EAI_SYSTEM || problem == EAI_MEMORY) return {};
    std::vector<vfs::ClientAddress> addresses;
    if (problem != 0) return addresses;
    for (const auto* entry = list; entry != nullptr; entry = entry->ai_next)
        if (const auto address = address_of(*entry->ai_addr)) addresses.push_back(*address);
    return addresses;
}

bool SystemHosts::is_member(const std::string& netgroup, const std::string& host) {
    const std::scoped_lock held{netgroups_};
    return ::innetgr(netgroup.c_str(), host.c_str(), nullptr, nullptr) == 1;
}

}  // namespace berth::server
