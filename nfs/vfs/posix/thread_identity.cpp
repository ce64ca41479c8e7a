#include "nfs/vfs/posix/thread_identity.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nfs/vfs/mapped_ids.hpp"
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
struct ThisThread {
    const uid_t server_uid = ::geteuid();
    const gid_t server_gid = ::getegid();
    uid_t uid = file_uid();
    gid_t gid = file_gid();
    std::optional<std::vector<gid_t>> groups;

    [[nodiscard]] bool is_server() const noexcept { return uid == server_uid && gid == server_gid; }
};

ThisThread& this_thread() {
    thread_local ThisThread of_this_thread;
    return of_this_thread;
}

// A thread that can't become the server again must not go on in a caller's name.
[[noreturn]] void end_for_wrong_identity() {
    std::fputs("berth: the kernel did not change the identity of a thread (out of memory?); "
               "berth ends, rather than act in a wrong name; start it again\n",
               stderr);
    std::abort();
}

// The kernel reports no failure, and short of memory it changes nothing: it is asked again, before
// anything is done in a wrong name.
Result<void> begin_uid(uid_t uid) {
    auto& thread = this_thread();
    ::syscall(SYS_setfsuid, uid);
    thread.uid = file_uid();
    if (thread.uid != uid) return std::errc::operation_not_permitted;
    return {};
}

Result<void> begin_gid(gid_t gid) {
    auto& thread = this_thread();
    ::syscall(SYS_setfsgid, gid);
    thread.gid = file_gid();
    if (thread.gid != gid) return std::errc::operation_not_permitted;
    return {};
}

void end_uid(uid_t uid) {
    auto& thread = this_thread();
    const auto acted_as = static_cast<uid_t>(::syscall(SYS_setfsuid, uid));
    if (acted_as != std::exchange(thread.uid, uid)) end_for_wrong_identity();
}

void end_gid(gid_t gid) {
    auto& thread = this_thread();
    const auto acted_as = static_cast<gid_t>(::syscall(SYS_setfsgid, gid));
    if (acted_as != std::exchange(thread.gid, gid)) end_for_wrong_identity();
}

// The C library's setgroups would change every thread of the process.
Result<void> set_groups(std::span<const gid_t> groups) {
    auto& known = this_thread().groups;
    known.reset();
    if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) {
        return static_cast<std::errc>(errno);
    }
    known.emplace(groups.begin(), groups.end());
    return {};
}

std::vector<gid_t> present_groups() {
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

// Here the kernel is asked whether it did as it was told.
bool can_be(uid_t uid, gid_t gid) {
    ::syscall(SYS_setfsgid, gid);
    ::syscall(SYS_setfsuid, uid);
    // Left over after leaving uid 0, that capability would make every caller as mighty as root.
    return file_uid() == uid && file_gid() == gid && !overrides_permissions();
}

}  // namespace

Acting::Acting(Acting&& other) noexcept
    : uid_(std::exchange(other.uid_, std::nullopt)),
      gid_(std::exchange(other.gid_, std::nullopt)),
      groups_(std::move(other.groups_)) {}

Acting::~Acting() {
    if (uid_) end_uid(*uid_);
    if (gid_) end_gid(*gid_);
    if (groups_ && !set_groups(*groups_)) end_for_wrong_identity();
}

Result<Acting> Acting::as(const Identity& caller, const Abilities& abilities) {
    const auto& mapped = abilities.mapped;
    if (!mapped.users.has(caller.uid) || !mapped.groups.has(caller.gid)) {
        return std::errc::operation_not_permitted;
    }
    Acting scope;
    if (auto taken = scope.take_groups(caller.groups, abilities.groups_matter); !taken)
        return taken.error();
    if (auto taken = scope.take_gid(caller.gid); !taken) return taken.error();
    if (auto taken = scope.take_uid(caller.uid); !taken) return taken.error();
    return scope;
}

Result<Acting> Acting::as_server() {
    Acting scope;
    const auto& thread = this_thread();
    if (auto taken = scope.take_gid(thread.server_gid); !taken) return taken.error();
    if (auto taken = scope.take_uid(thread.server_uid); !taken) return taken.error();
    return scope;
}

Result<void> Acting::take_groups(std::span<const gid_t> wanted, bool for_server_too) {
    auto& thread = this_thread();
    if (thread.groups && std::ranges::equal(*thread.groups, wanted)) return {};
    // What another caller's scope needs back, or a server with few powers.
    std::unique_ptr<Groups> before;
    if (!thread.is_server() || for_server_too) {
        before = std::make_unique<Groups>(thread.groups ? *thread.groups : present_groups());
    }
    if (auto set = set_groups(wanted); !set) return set;
    groups_ = std::move(before);
    return {};
}

Result<void> Acting::take_gid(gid_t wanted) {
    const auto before = this_thread().gid;
    if (before == wanted) return {};
    if (auto begun = begin_gid(wanted); !begun) return begun;
    gid_ = before;
    return {};
}

Result<void> Acting::take_uid(uid_t wanted) {
    const auto before = this_thread().uid;
    if (before == wanted) return {};
    if (auto begun = begin_uid(wanted); !begun) return begun;
    uid_ = before;
    return {};
}

bool Acting::is_possible(const MappedOwners& mapped) {
    if (::geteuid() != 0) return false;
    const auto& thread = this_thread();
    const auto groups_before = present_groups();
    // Somebody who owns nothing.
    const bool able = set_groups({}) && can_be(mapped.users.one_besides(::geteuid()),
                                               mapped.groups.one_besides(::getegid()));
    ::syscall(SYS_setfsuid, thread.uid);
    ::syscall(SYS_setfsgid, thread.gid);
    const bool is_back = set_groups(groups_before).has_value();
    return able && is_back;
}

bool overrides_permissions() {
    const auto words = capabilities();
    return !words || (words->front().effective & (1U << CAP_DAC_OVERRIDE)) != 0;
}

bool is_server_acting() {
    const auto uid = file_uid();
    const auto gid = file_gid();
    // A sandbox may refuse the very question. There nobody changes either.
    return (uid == no_id || uid == ::geteuid()) && (gid == no_id || gid == ::getegid());
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
