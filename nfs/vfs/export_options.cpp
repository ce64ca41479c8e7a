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
    if (!is_believed(options, claimed.uid)) identity.uid = options.anonymous_uid;
    if (!believed_gid(claimed.gid)) identity.gid = options.anonymous_gid;
    if (std::ranges::all_of(claimed.groups, believed_gid)) return identity;

    assert(room.size() >= claimed.groups.size());
    std::size_t count = 0;
    for (const auto gid : claimed.groups) {
        if (gid != no_gid) room[count++] = believed_gid(gid) ? gid : options.anonymous_gid;
    }
    identity.groups = room.first(count);
    return identity;
}

}  // namespace berth::vfs
