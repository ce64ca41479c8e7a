#include "server/system_groups.hpp"

#include <cerrno>
#include <cstddef>
#include <vector>

#include <grp.h>
#include <pwd.h>

namespace berth::server {

namespace {

// getgrouplist(3) silently leaves out sources that it can't ask. Looking up a group that does not
// exist asks every source, and reports failures. A service that is configured but absent (ENOENT)
// is not worth waiting for.
bool can_ask_for_groups() {
    constexpr gid_t no_group = 0xFFFFFFF0;
    std::vector<char> memory(std::size_t{1} << 16);
    group entry{};
    group* found = nullptr;
    const int problem = ::getgrgid_r(no_group, &entry, memory.data(), memory.size(), &found);
    return problem == 0 || problem == ENOENT || problem == ESRCH || problem == ERANGE;
}

}  // namespace

exports::GroupDirectory::Groups SystemGroups::groups_of(uid_t uid) {
    constexpr std::size_t memory_max = std::size_t{1} << 20;
    constexpr std::size_t groups_max = 65536;  // the kernel's limit per process: NGROUPS_MAX
    std::vector<char> memory(4096);
    passwd entry{};
    passwd* found = nullptr;
    int problem = 0;
    while ((problem = ::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found)) == ERANGE &&
           memory.size() < memory_max)
        memory.resize(memory.size() * 2);
    if (found == nullptr) {
        // The errors that the C library may return for a missing user, see getpwuid(3).
        const bool is_nobody = problem == 0 || problem == ENOENT || problem == ESRCH ||
                               problem == EBADF || problem == EPERM;
        return is_nobody ? NoGroups::unknown_user : NoGroups::nobody_to_ask;
    }
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    while (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
        if (groups.size() >= groups_max) break;
        groups.resize(groups.size() * 2);
        count = static_cast<int>(groups.size());
    }
    if (!can_ask_for_groups()) return NoGroups::nobody_to_ask;
    if (count >= 0 && static_cast<std::size_t>(count) < groups.size())
        groups.resize(static_cast<std::size_t>(count));
    std::erase_if(groups, [this](gid_t group) { return !mapped_.has(group); });
    return groups;
}

}  // namespace berth::server
