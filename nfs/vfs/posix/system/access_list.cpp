#include "nfs/vfs/posix/system/access_list.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <endian.h>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

// The format of linux/posix_acl_xattr.h: a version, then the entries.
enum Tag : std::uint16_t {
    owner = 1,
    named_user = 2,
    owning_group = 4,
    named_group = 8,
    mask = 16,
    others = 32,
};

struct ListEntry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
};

using List = std::vector<ListEntry>;

std::optional<List> read_list(int object) {
    std::array<char, 65536> bytes;
    const ReopenPath path{object};
    const auto length =
        ::getxattr(path.text(), "system.posix_acl_access", bytes.data(), bytes.size());
    constexpr std::size_t header = sizeof(std::uint32_t);
    if (length < static_cast<ssize_t>(header)) return {};
    List list((static_cast<std::size_t>(length) - header) / sizeof(ListEntry));
    std::memcpy(list.data(), bytes.data() + header, list.size() * sizeof(ListEntry));
    for (auto& entry : list) {
        entry.tag = le16toh(entry.tag);
        entry.permissions = le16toh(entry.permissions);
        entry.id = le32toh(entry.id);
    }
    return list;
}

bool is_member(const Identity& identity, gid_t group) {
    return identity.gid == group ||
           std::ranges::find(identity.groups, group) != identity.groups.end();
}

// For a caller that is neither root nor the file's owner.
bool grants_execution(const List& list, uid_t uid, const Identity& identity,
                      const Attributes& now) {
    const auto find = [&](std::uint16_t tag, std::optional<std::uint32_t> id) {
        return std::ranges::find_if(list, [&](const ListEntry& entry) {
            return entry.tag == tag && (!id || entry.id == *id);
        });
    };
    const auto masking = find(mask, {});
    const unsigned masked = masking == list.end() ? unsigned{may_execute} : masking->permissions;
    const auto executes = [](const ListEntry& entry) {
        return (entry.permissions & may_execute) != 0;
    };
    if (const auto named = find(named_user, uid); named != list.end()) {
        return executes(*named) && (masked & may_execute) != 0;
    }
    bool belongs = false;
    for (const auto& entry : list) {
        const bool is_of_caller = (entry.tag == owning_group && is_member(identity, now.gid)) ||
                                  (entry.tag == named_group && is_member(identity, entry.id));
        if (is_of_caller && executes(entry) && (masked & may_execute) != 0) return true;
        belongs = belongs || is_of_caller;
    }
    const auto rest = find(others, {});
    return !belongs && rest != list.end() && executes(*rest);
}

}  // namespace

int permissions_by_mode(uid_t uid, const Identity& identity, const Attributes& now) {
    const auto mode = static_cast<int>(now.mode);
    if (uid == 0) {
        const bool executes = now.type == FileType::directory || (mode & 0111) != 0;
        return may_read | may_write | (executes ? may_execute : 0);
    }
    if (uid == now.uid) return (mode >> 6) & 7;
    return (is_member(identity, now.gid) ? mode >> 3 : mode) & 7;
}

bool grants_execution(int object, uid_t uid, const Identity& identity, const Attributes& now) {
    const bool by_mode = (permissions_by_mode(uid, identity, now) & may_execute) != 0;
    // The mode contains the list's permissions of owner and root.
    if (uid == 0 || uid == now.uid) return by_mode;
    const auto list = read_list(object);
    return list ? grants_execution(*list, uid, identity, now) : by_mode;
}

bool is_mounted_without_execution(int object) {
    struct statvfs figures {};
    return ::fstatvfs(object, &figures) == 0 && (figures.f_flag & ST_NOEXEC) != 0;
}

}  // namespace berth::vfs::posix
