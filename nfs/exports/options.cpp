#include "nfs/exports/options.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>

namespace berth::exports {
namespace {

// The one value that is not an id: chown(2) takes it for "leave unchanged".
constexpr uid_t no_uid = 0xFFFFFFFF;
constexpr gid_t no_gid = 0xFFFFFFFF;

/// Whether all ids of clients are the same here, which is the usual case.
bool are_themselves(const IdMap& map, const vfs::MappedIds& mapped) noexcept {
    return map.empty() && mapped.has_all();
}

// The server's id for a client's; empty: there is none, or nobody can act as it.
std::optional<std::uint32_t> usable(const IdMap& map, const vfs::MappedIds& mapped,
                                    std::uint32_t id) {
    const auto found = map.to_server(id);
    return found && mapped.has(*found) ? found : std::nullopt;
}

}  // namespace

vfs::Identity anonymous(const Options& options) noexcept {
    return {.uid = options.anonymous_uid, .gid = options.anonymous_gid, .groups = {}};
}

bool is_believed(const Options& options, uid_t claimed) noexcept {
    if (options.squash == Squash::all || claimed == no_uid) return false;
    return claimed != 0 || options.squash == Squash::none;
}

vfs::Identity squash(const Options& options, const vfs::Identity& claimed, std::span<gid_t> room,
                     const vfs::MappedOwners& mapped) {
    if (options.squash == Squash::all) return anonymous(options);
    const bool root_is_believed = options.squash == Squash::none;
    const auto believed_gid = [&](gid_t gid) {
        return gid != no_gid && (gid != 0 || root_is_believed);
    };

    const bool users_are_themselves = are_themselves(options.users, mapped.users);
    const bool groups_are_themselves = are_themselves(options.groups, mapped.groups);
    auto identity = claimed;
    if (!is_believed(options, claimed.uid))
        identity.uid = options.anonymous_uid;
    else if (!users_are_themselves)
        identity.uid =
            usable(options.users, mapped.users, claimed.uid).value_or(options.anonymous_uid);
    const auto group_of = [&](gid_t claimed_gid) {
        return usable(options.groups, mapped.groups, claimed_gid);
    };
    if (!believed_gid(claimed.gid))
        identity.gid = options.anonymous_gid;
    else if (!groups_are_themselves)
        identity.gid = group_of(claimed.gid).value_or(options.anonymous_gid);
    if (groups_are_themselves && std::ranges::all_of(claimed.groups, believed_gid)) return identity;

    assert(room.size() >= claimed.groups.size());
    std::size_t count = 0;
    for (const auto group : claimed.groups) {
        if (group == no_gid) continue;
        const auto usable_group =
            believed_gid(group) ? group_of(group) : std::optional{options.anonymous_gid};
        if (usable_group) room[count++] = *usable_group;
    }
    identity.groups = room.first(count);
    return identity;
}

bool map_owners(const Options& options, vfs::NewAttributes& wanted) {
    const bool had_uid = wanted.uid.has_value();
    const bool had_gid = wanted.gid.has_value();
    if (wanted.uid) wanted.uid = options.users.to_server(*wanted.uid);
    if (wanted.gid) wanted.gid = options.groups.to_server(*wanted.gid);
    return had_uid == wanted.uid.has_value() && had_gid == wanted.gid.has_value();
}

uid_t shown_uid(const Options& options, uid_t uid) noexcept {
    return options.users.to_client(uid, options.anonymous_uid);
}

gid_t shown_gid(const Options& options, gid_t gid) noexcept {
    return options.groups.to_client(gid, options.anonymous_gid);
}

}  // namespace berth::exports
