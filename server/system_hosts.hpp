// Asks the system about hosts: DNS, /etc/hosts, netgroups, as nsswitch.conf(5) configures them.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "nfs/exports/host_directory.hpp"

namespace berth::server {

class SystemHosts final : public exports::HostDirectory {
public:
    exports::HostNames names(const exports::ClientAddress& address) override;
    exports::HostAddresses addresses(const std::string& host) override;
    exports::Membership is_member(const std::string& netgroup, const std::string& host) override;

private:
    void tell_of_silence(const std::string& host);

    std::mutex telling_;
    // Guarded by telling_:
    std::optional<std::chrono::steady_clock::time_point> told_;

    std::mutex netgroups_;  // the C library serves one thread at a time
    // Guarded by netgroups_:
    std::set<std::string> missing_netgroups_;  // that the log has reported
};

}  // namespace berth::server
