// Asks the system for the groups of users: /etc/passwd and /etc/group, LDAP, whatever
// nsswitch.conf(5) has.
#pragma once

#include "nfs/vfs/group_directory.hpp"
#include "nfs/vfs/mapped_ids.hpp"

namespace berth::server {

class SystemGroups final : public vfs::GroupDirectory {
public:
    /// Without those that the kernel does not know in this user namespace.
    Groups groups_of(uid_t uid) override;

private:
    const vfs::MappedIds mapped_ = vfs::MappedOwners::of_process().groups;
};

}  // namespace berth::server
