// Asks the system for the groups of users: /etc/passwd and /etc/group, LDAP, whatever
// nsswitch.conf(5) has.
#pragma once

#include "nfs/vfs/group_directory.hpp"

namespace berth::server {

class SystemGroups final : public vfs::GroupDirectory {
public:
    Groups groups_of(uid_t uid) override;
};

}  // namespace berth::server
