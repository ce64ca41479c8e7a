// Asks the system who is who: DNS, /etc/hosts, netgroups, as nsswitch.conf(5) has them.
#pragma once

#include <mutex>

#include "nfs/vfs/host_directory.hpp"

namespace berth::server {

class SystemHosts final : public vfs::HostDirectory {
public:
    std::optional<std::vector<std::string>> names(const vfs::ClientAddress& address) override;
    std::optional<std::vector<vfs::ClientAddress>> addresses(const std::string& host) override;
    bool is_member(const std::string& netgroup, const std::string& host) override;

private:
    std::mutex netgroups_;  // the C library reads them for one thread at a time
};

}  // namespace berth::server
