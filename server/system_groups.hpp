// Asks the system for the groups of users: /etc/passwd and /etc/group, LDAP, or whatever
// nsswitch.conf(5) configures.
#pragma once

#include "nfs/exports/group_directory.hpp"
#include "nfs/vfs/mapped_ids.hpp"

namespace berth::server {

class SystemGroups final : public exports::GroupDirectory {
public:
    /// Leaves out groups that this user namespace does not map.
    Groups groups_of(uid_t uid) override;

private:
    const vfs::MappedIds mapped_ = vfs::MappedOwners::of_process().groups;
};

}  // namespace berth::server
