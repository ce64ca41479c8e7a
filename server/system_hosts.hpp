// Asks the system who is who: DNS, /etc/hosts, netgroups, as nsswitch.conf(5) has them.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "nfs/vfs/host_directory.hpp"

namespace berth::server {

class SystemHosts final : public vfs::HostDirectory {
public:
    vfs::HostNames names(const vfs::ClientAddress& address) override;
    vfs::HostAddresses addresses(const std::string& host) override;
    vfs::Membership is_member(const std::string& netgroup, const std::string& host) override;

private:
    void tell_of_silence(const std::string& host);

    std::mutex telling_;
    std::optional<std::chrono::steady_clock::time_point> told_;
    std::mutex netgroups_;                     // the C library reads them for one thread at a time
    std::set<std::string> missing_netgroups_;  // that the log has told of
};

}  // namespace berth::server
