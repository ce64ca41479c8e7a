// Sets attributes.
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/system/new_attributes.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

bool is_given(const std::optional<NewTime>& time) {
    return time && time->value;
}

// Whether anything is wanted that only the owner may set.
bool needs_ownership(const NewAttributes& wanted) {
    return wanted.mode || wanted.uid || wanted.gid || is_given(wanted.accessed) ||
           is_given(wanted.modified);
}

}  // namespace

Result<void> Node::set_attributes(const Caller& caller, const NewAttributes& wanted,
                                  const Attributes* seen) {
    if (auto valid = check_values(wanted, type_); !valid) return valid;
    if (caller.patience == Patience::none) return would_block;
    const auto now = look(seen);
    if (!now) return now.error();
    // For an open file the kernel checks only that it may not be truncated.
    if (wanted.size && (now->immutable || now->append_only)) {
        return std::errc::operation_not_permitted;
    }
    if (wanted.mode || wanted.uid || wanted.gid)
        if (auto allowed = tree_.may_close(*this); !allowed) return allowed;
    // Truncated data are lost, so everything that may be refused is checked first.
    if (wanted.size && needs_ownership(wanted) && !owns(caller, *now)) {
        return std::errc::operation_not_permitted;
    }
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    auto applied = apply(caller, wanted, *now);
    changed_.store(true);
    tree_.changed(*this);
    return applied;
}

Result<void> Node::apply(const Caller& caller, const NewAttributes& wanted, const Attributes& now) {
    if (wanted.uid || wanted.gid) {
        if (auto set = set_owner(wanted); !set) return set;
    }
    if (wanted.size) {
        if (auto set = set_size(caller, now, *wanted.size); !set) return set;
    }
    if (wanted.mode && type_ != FileType::symbolic_link) {
        const auto alone = data_.keep_from_opening();
        if (auto set = change_mode(path_.number(), *wanted.mode & 07777U); !set) return set;
    }
    if (wanted.accessed || wanted.modified) return set_times(caller, now, wanted);
    return {};
}

Result<void> Node::set_size(const Caller& caller, const Attributes& now, std::uint64_t size) {
    if (auto allowed = permit(caller, now, may_write); !allowed) return allowed;
    auto descriptor = data_.for_writing(tree_, path_.number());
    if (!descriptor) return descriptor.error();
    // Quotas and the clearing of set-user-id depend on who changes the file, not on who opened it.
    auto outcome = ::ftruncate(*descriptor, static_cast<off_t>(size));
    while (outcome != 0 && errno == EINTR) {
        outcome = ::ftruncate(*descriptor, static_cast<off_t>(size));
    }
    return checked(outcome);
}

Result<void> Node::set_owner(const NewAttributes& wanted) const {
    const uid_t uid = wanted.uid.value_or(no_id);
    const gid_t gid = wanted.gid.value_or(no_id);
    return checked(::fchownat(path_.number(), "", uid, gid, AT_EMPTY_PATH));
}

Result<void> Node::set_times(const Caller& caller, const Attributes& now,
                             const NewAttributes& wanted) const {
    const auto times = to_kernel_times(wanted);
    auto set = change_times(path_.number(), times);
    const bool only_now = !is_given(wanted.accessed) && !is_given(wanted.modified);
    if (set || !only_now || set.error() != std::errc::operation_not_permitted) return set;

    // A caller that may write may set the server's time. The kernel supports that only for both
    // times at once, so the server sets a single one in the caller's stead; without privileges both
    // are set.
    if (auto allowed = permit(caller, now, may_write); !allowed) return allowed;
    if (!tree_.abilities().change_identity) {
        constexpr timespec present{.tv_sec = 0, .tv_nsec = UTIME_NOW};
        return change_times(path_.number(), {present, present});
    }
    const auto acting = tree_.act_as_server();
    if (!acting) return acting.error();
    return change_times(path_.number(), times);
}

}  // namespace berth::vfs::posix
