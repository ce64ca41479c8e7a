#include "nfs/vfs/export_options.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace berth::vfs {
namespace {

// The one value that is no id: chown(2) takes it for "leave alone".
constexpr uid_t no_uid = 0xFFFFFFFF;
constexpr gid_t no_gid = 0xFFFFFFFF;

}  // namespace

Identity anonymous(const ExportOptions& options) noexcept {
    return {.uid = options.anonymous_uid, .gid = options.anonymous_gid, .groups = {}};
}

bool is_believed(const ExportOptions& options, uid_t claimed) noexcept {
    if (options.squash == Squash::all || claimed == no_uid) return false;
    return claimed != 0 || options.squash == Squash::none;
}

Identity squash(const ExportOptions& options, const Identity& claimed, std::span<gid_t> room) {
    if (options.squash == Squash::all) return anonymous(options);
    const bool root_is_believed = options.squash == Squash::none;
    const auto believed_gid = [&](gid_t gid) {
        return gid != no_gid && (gid != 0 || root_is_believed);
    };

    auto identity = claimed;
    const auto uid =
        is_believed(options, claimed.uid) ? options.users.to_server(claimed.uid) : std::nullopt;
    const auto gid =
        believed_gid(claimed.gid) ? options.groups.to_server(claimed.gid) : std::nullopt;
    identity.uid = uid.value_or(options.anonymous_uid);
    identity.gid = gid.value_or(options.anonymous_gid);
    const bool is_mapped = !options.groups.empty();
    if (!is_mapped && std::ranges::all_of(claimed.groups, believed_gid)) return identity;

    assert(room.size() >= claimed.groups.size());
    std::size_t count = 0;
    for (const auto group : claimed.groups) {
        if (group == no_gid) continue;
        const auto mapped =
            believed_gid(group) ? options.groups.to_server(group) : options.anonymous_gid;
        if (mapped) room[count++] = *mapped;
    }
    identity.groups = room.first(count);
    return identity;
}

bool map_owners(const ExportOptions& options, NewAttributes& wanted) {
    const bool had_uid = wanted.uid.has_value();
    const bool had_gid = wanted.gid.has_value();
    if (wanted.uid) wanted.uid = options.users.to_server(*wanted.uid);
    if (wanted.gid) wanted.gid = options.groups.to_server(*wanted.gid);
    return had_uid == wanted.uid.has_value() && had_gid == wanted.gid.has_value();
}

uid_t shown_uid(const ExportOptions& options, uid_t uid) noexcept {
    return options.users.to_client(uid, options.anonymous_uid);
}

gid_t shown_gid(const ExportOptions& options, gid_t gid) noexcept {
    return options.groups.to_client(gid, options.anonymous_gid);
}

}  // namespace berth::vfs
