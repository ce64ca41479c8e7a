#include "nfs/vfs/posix/system/thread_identity.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include <cap-ng.h>

#include "nfs/vfs/kept_identity.hpp"
#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/posix.hpp"

namespace berth::vfs::posix {
namespace {

// An id that the kernel never accepts: asking for it changes nothing and returns the current one.
constexpr unsigned no_id = ~0U;

uid_t file_uid() {
    return static_cast<uid_t>(::syscall(SYS_setfsuid, no_id));
}
gid_t file_gid() {
    return static_cast<gid_t>(::syscall(SYS_setfsgid, no_id));
}

// The known state of this thread's identity in the kernel. A new thread inherits its creator's
// identity, so the kernel is asked.
struct ThisThread {
    const uid_t server_uid = ::geteuid();
    const gid_t server_gid = ::getegid();
    uid_t uid = file_uid();
    gid_t gid = file_gid();
    std::optional<std::vector<gid_t>> groups;
    unsigned scopes = 0;
    std::uint64_t uses = 0;  // of callers' identities
    // Between scopes the identity of the last scope may stay.
    bool keeps = false;
    std::unique_ptr<std::vector<gid_t>> groups_to_give_back;

    [[nodiscard]] bool is_server() const noexcept { return uid == server_uid && gid == server_gid; }
};

ThisThread& this_thread() {
    thread_local ThisThread of_this_thread;
    return of_this_thread;
}

// A thread that can't become the server again must not go on under a caller's identity.
[[noreturn]] void end_for_wrong_identity() {
    std::fputs("berth: the kernel did not change the identity of a thread (out of memory?); "
               "berth ends rather than act under a wrong identity; start it "
               "again\n",
               stderr);
    std::abort();
}

// The kernel reports no failure, and changes nothing if memory is short. So it is asked for the
// result before anything is done under a wrong identity.
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

void become_server(const ThisThread& thread) {
    if (thread.uid != thread.server_uid) end_uid(thread.server_uid);
    if (thread.gid != thread.server_gid) end_gid(thread.server_gid);
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

// Asks the kernel whether it has made the change.
bool can_be(uid_t uid, gid_t gid) {
    ::syscall(SYS_setfsgid, gid);
    ::syscall(SYS_setfsuid, uid);
    // If this capability stayed after leaving uid 0, every caller would be as powerful as root.
    return file_uid() == uid && file_gid() == gid && !overrides_permissions();
}

}  // namespace

Acting::Acting(Acting&& other) noexcept
    : is_scope_(std::exchange(other.is_scope_, false)),
      uid_(std::exchange(other.uid_, std::nullopt)),
      gid_(std::exchange(other.gid_, std::nullopt)),
      groups_(std::move(other.groups_)) {}

Acting::Acting(Begun /*tag*/) noexcept : is_scope_(true) {
    ++this_thread().scopes;
}

Acting::~Acting() {
    if (!is_scope_) return;
    if (uid_) end_uid(*uid_);
    if (gid_) end_gid(*gid_);
    if (groups_ && !set_groups(*groups_)) end_for_wrong_identity();
    --this_thread().scopes;
}

Result<Acting> Acting::as(const Identity& caller, const Abilities& abilities) {
    const auto& mapped = abilities.mapped;
    if (!mapped.users.has(caller.uid) || !mapped.groups.has(caller.gid)) {
        return std::errc::operation_not_permitted;
    }
    Acting scope{Begun{}};
    ++this_thread().uses;
    if (auto taken = scope.take_groups(caller.groups, abilities.groups_matter); !taken)
        return taken.error();
    if (auto taken = scope.take_gid(caller.gid); !taken) return taken.error();
    if (auto taken = scope.take_uid(caller.uid); !taken) return taken.error();
    return scope;
}

Result<Acting> Acting::as_server() {
    Acting scope{Begun{}};
    const auto& thread = this_thread();
    if (auto taken = scope.take_gid(thread.server_gid); !taken) return taken.error();
    if (auto taken = scope.take_uid(thread.server_uid); !taken) return taken.error();
    return scope;
}

Result<void> Acting::take_groups(std::span<const gid_t> wanted, bool for_server_too) {
    auto& thread = this_thread();
    if (thread.groups && std::ranges::equal(*thread.groups, wanted)) return {};
    // Needed by another caller's scope, or by a server with few powers.
    std::unique_ptr<Groups> before;
    const bool is_kept = ends_later();
    const bool is_owed = is_kept ? for_server_too && !thread.groups_to_give_back
                                 : for_server_too || !thread.is_server();
    if (is_owed)
        before = std::make_unique<Groups>(thread.groups ? *thread.groups : present_groups());
    if (auto set = set_groups(wanted); !set) return set;
    if (before) (is_kept ? thread.groups_to_give_back : groups_) = std::move(before);
    return {};
}

Result<void> Acting::take_gid(gid_t wanted) {
    const auto before = this_thread().gid;
    if (before == wanted) return {};
    if (auto begun = begin_gid(wanted); !begun) return begun;
    if (!ends_later()) gid_ = before;
    return {};
}

Result<void> Acting::take_uid(uid_t wanted) {
    const auto before = this_thread().uid;
    if (before == wanted) return {};
    if (auto begun = begin_uid(wanted); !begun) return begun;
    if (!ends_later()) uid_ = before;
    return {};
}

// The outermost scope of a thread that keeps its identity restores nothing.
bool Acting::ends_later() noexcept {
    const auto& thread = this_thread();
    return thread.keeps && thread.scopes == 1;
}

bool Acting::is_possible(const MappedOwners& mapped) {
    if (::geteuid() != 0) return false;
    const auto& thread = this_thread();
    const auto groups_before = present_groups();
    // A user that owns nothing.
    const bool able = set_groups({}) && can_be(mapped.users.one_besides(::geteuid()),
                                               mapped.groups.one_besides(::getegid()));
    ::syscall(SYS_setfsuid, thread.uid);
    ::syscall(SYS_setfsgid, thread.gid);
    const bool is_back = set_groups(groups_before).has_value();
    return able && is_back;
}

bool acts_as_root() noexcept {
    return this_thread().uid == 0;
}

bool overrides_permissions() {
    const bool is_known = ::capng_get_caps_process() == 0;
    return !is_known || ::capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE) != 0;
}

void drop_kept_identity() noexcept {
    auto& thread = this_thread();
    if (thread.keeps && thread.scopes == 0) become_server(thread);
}

void drop_resource_override() {
    if (::capng_get_caps_process() != 0) return;
    constexpr auto sets =
        static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
    if (::capng_update(CAPNG_DROP, sets, CAP_SYS_RESOURCE) == 0)
        static_cast<void>(::capng_apply(CAPNG_SELECT_CAPS));
}

}  // namespace berth::vfs::posix

namespace berth::vfs {

void keep_identity() noexcept {
    posix::this_thread().keeps = true;
}

void give_identity_back() noexcept {
    auto& thread = posix::this_thread();
    assert(thread.scopes == 0);
    thread.keeps = false;
    posix::become_server(thread);
    if (const auto groups = std::move(thread.groups_to_give_back);
        groups && !posix::set_groups(*groups))
        posix::end_for_wrong_identity();
}

bool is_identity_kept() noexcept {
    const auto& thread = posix::this_thread();
    return thread.keeps && (!thread.is_server() || thread.groups_to_give_back != nullptr);
}

std::uint64_t identity_uses() noexcept {
    return posix::this_thread().uses;
}

bool is_server_acting() {
    using posix::no_id;
    const auto uid = posix::file_uid();
    const auto gid = posix::file_gid();
    // A sandbox may refuse even the question; then nobody can change the identity.
    return (uid == no_id || uid == ::geteuid()) && (gid == no_id || gid == ::getegid());
}

}  // namespace berth::vfs
