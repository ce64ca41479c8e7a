#include "nfs/vfs/posix/thread_identity.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nfs/vfs/posix.hpp"

namespace berth::vfs::posix {
namespace {

// An id the kernel never takes: asking for it changes nothing and answers the present one.
constexpr unsigned no_id = ~0U;

uid_t file_uid() {
    return static_cast<uid_t>(::syscall(SYS_setfsuid, no_id));
}
gid_t file_gid() {
    return static_cast<gid_t>(::syscall(SYS_setfsgid, no_id));
}

// What the kernel knows of this thread. A new thread inherits its maker's identity, so the kernel
// is asked.
struct Known {
    const uid_t server_uid = ::geteuid();
    uid_t uid = file_uid();
    gid_t gid = file_gid();
    std::optional<std::vector<gid_t>> groups;
};

Known& known() {
    thread_local Known of_this_thread;
    return of_this_thread;
}

// The kernel reports no failure here; asking again is the only way to know.
Result<void> change_uid(uid_t uid) {
    if (known().uid == uid) return {};
    ::syscall(SYS_setfsuid, uid);
    known().uid = file_uid();
    if (known().uid != uid) return std::errc::operation_not_permitted;
    return {};
}

Result<void> change_gid(gid_t gid) {
    if (known().gid == gid) return {};
    ::syscall(SYS_setfsgid, gid);
    known().gid = file_gid();
    if (known().gid != gid) return std::errc::operation_not_permitted;
    return {};
}

// The C library's setgroups would change every thread of the process.
Result<void> change_groups(std::span<const gid_t> groups) {
    if (known().groups && std::ranges::equal(*known().groups, groups)) return {};
    known().groups.reset();
    if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) {
        return static_cast<std::errc>(errno);
    }
    known().groups.emplace(groups.begin(), groups.end());
    return {};
}

std::vector<gid_t> groups() {
    std::vector<gid_t> all(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(all.size()), all.data());
    all.resize(static_cast<std::size_t>(std::max(0, count)));
    return all;
}

using CapabilityWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

std::optional<CapabilityWords> capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    CapabilityWords words{};
    if (::syscall(SYS_capget, &header, words.data()) != 0) return std::nullopt;
    return words;
}

bool overrides_permissions() {
    const auto words = capabilities();
    return !words || (words->front().effective & (1U << CAP_DAC_OVERRIDE)) != 0;
}

bool try_out() {
    // Somebody who owns nothing; 1 is the id most likely to be mapped in a user namespace besides
    // 0.
    constexpr Identity stranger{.uid = 1, .gid = 1, .groups = {}};
    if (!ThreadIdentity::become(stranger)) return false;
    // Left over after leaving uid 0, this capability would make every caller as mighty as root.
    return !overrides_permissions();
}

}  // namespace

bool ThreadIdentity::can_change() {
    if (::geteuid() != 0) return false;
    const auto groups_before = groups();
    const gid_t gid_before = known().gid;
    known().groups.reset();  // so that the kernel is really asked to change them
    const bool able = try_out();
    const bool back = become_server() && change_gid(gid_before) && change_groups(groups_before);
    return able && back;
}

Result<void> ThreadIdentity::become(const Identity& caller) {
    if (auto changed = change_groups(caller.groups); !changed) return changed;
    if (auto changed = change_gid(caller.gid); !changed) return changed;
    return change_uid(caller.uid);
}

Result<void> ThreadIdentity::become_server() {
    // Group and groups stay as they are: the server's work creates nothing and needs no group's
    // permission, and the next call is most likely the same caller's.
    return change_uid(known().server_uid);
}

void act_as_server() {
    static_cast<void>(ThreadIdentity::become_server());
    static_cast<void>(change_gid(::getegid()));
}

void drop_resource_override() {
    auto words = capabilities();
    if (!words) return;
    constexpr unsigned bit = 1U << (CAP_SYS_RESOURCE % 32);
    auto& word = (*words)[CAP_SYS_RESOURCE / 32];
    word.effective &= ~bit;
    word.permitted &= ~bit;
    word.inheritable &= ~bit;
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    ::syscall(SYS_capset, &header, words->data());
}

}  // namespace berth::vfs::posix
