#include "server/system_hosts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <netdb.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>

namespace berth::server {

namespace {

/// The result of a look-up in the C library. getaddrinfo(3) has one error for "there is none" and
/// for some failures; these functions distinguish them.
class LookUp {
public:
    /// `ask(entry, memory, size, found, problem)` calls one of them.
    template <class Ask>
    explicit LookUp(Ask ask) {
        constexpr std::size_t memory_max = std::size_t{1} << 20;
        while (ask(&entry_, memory_.data(), memory_.size(), &found_, &problem_) == ERANGE &&
               memory_.size() < memory_max)
            memory_.resize(memory_.size() * 2);
    }
    LookUp(const LookUp&) = delete;
    LookUp& operator=(const LookUp&) = delete;

    [[nodiscard]] const hostent* found() const noexcept { return found_; }
    /// Whether there is an answer, even if it says that there is none.
    [[nodiscard]] bool is_answered() const noexcept {
        return found_ != nullptr || problem_ == HOST_NOT_FOUND || problem_ == NO_DATA;
    }

private:
    std::vector<char> memory_ = std::vector<char>(4096);
    hostent entry_{};
    hostent* found_ = nullptr;
    int problem_ = NETDB_INTERNAL;
};

/// The names from reverse lookup; not to be believed before they have been looked up themselves.
exports::HostNames claimed_names(const exports::ClientAddress& address) {
    const std::size_t size = address.is_v4() ? 4 : 16;
    const auto* const bytes = address.bytes.data() + (address.bytes.size() - size);
    const int family = address.is_v4() ? AF_INET : AF_INET6;
    const LookUp look_up{[&](auto... to) {
        return ::gethostbyaddr_r(bytes, static_cast<socklen_t>(size), family, to...);
    }};
    exports::HostNames names{.found = {}, .is_whole = look_up.is_answered()};
    if (look_up.found() == nullptr) return names;
    names.found.emplace_back(look_up.found()->h_name);
    for (auto* const* alias = look_up.found()->h_aliases; *alias != nullptr; ++alias)
        names.found.emplace_back(*alias);
    return names;
}

/// Adds the addresses of one family. False: a service that may know more could not be asked.
bool add_addresses(const std::string& host, int family,
                   std::vector<exports::ClientAddress>& addresses) {
    const LookUp look_up{
        [&](auto... to) { return ::gethostbyname2_r(host.c_str(), family, to...); }};
    if (look_up.found() == nullptr) return look_up.is_answered();
    const auto& entry = *look_up.found();
    for (auto* const* one = entry.h_addr_list; *one != nullptr; ++one) {
        std::array<std::byte, 16> bytes{};
        std::memcpy(bytes.data(), *one,
                    std::min(bytes.size(), static_cast<std::size_t>(entry.h_length)));
        addresses.push_back(exports::ClientAddress::of(bytes, entry.h_addrtype == AF_INET6));
    }
    return true;
}

}  // namespace

void SystemHosts::tell_of_silence(const std::string& host) {
    constexpr std::chrono::minutes between_tellings{10};
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock held{telling_};
    if (told_ && now - *told_ < between_tellings) return;
    told_ = now;
    spdlog::warn("exports: the name service does not answer about {}; clients that an entry "
                 "with a name may match must wait until "
                 "it does. Check /etc/resolv.conf and the name server",
                 host);
}

exports::HostNames SystemHosts::names(const exports::ClientAddress& address) {
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

exports::HostAddresses SystemHosts::addresses(const std::string& host) {
    exports::HostAddresses addresses;
    addresses.has_all_v4 = add_addresses(host, AF_INET, addresses.found);
    addresses.has_all_v6 = add_addresses(host, AF_INET6, addresses.found);
    if (!addresses.has_all_v4) tell_of_silence(host);
    return addresses;
}

// The C library also returns "no" if the netgroup directory fails. So that is believed only for a
// netgroup that the C library can list.
exports::Membership SystemHosts::is_member(const std::string& netgroup, const std::string& host) {
    constexpr std::size_t told_max = 1000;
    const std::scoped_lock held{netgroups_};
    if (::innetgr(netgroup.c_str(), host.c_str(), nullptr, nullptr) == 1)
        return exports::Membership::yes;
    const bool is_there = ::setnetgrent(netgroup.c_str()) == 1;
    ::endnetgrent();
    if (is_there) {
        missing_netgroups_.erase(netgroup);
        return exports::Membership::no;
    }
    if (missing_netgroups_.size() < told_max && missing_netgroups_.insert(netgroup).second)
        spdlog::warn("exports: netgroup '{}' is unknown or can't be looked up; "
                     "clients that it may match must wait. Correct the name in the "
                     "exports, or the directory of netgroups",
                     netgroup);
    return exports::Membership::unknown;
}

}  // namespace berth::server
