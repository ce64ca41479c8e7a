// How an export treats its callers, and whom it takes them for. Plain values.
#pragma once

#include <cstdint>
#include <span>

#include "nfs/vfs/id_map.hpp"
#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

/// Whose claims of identity are not believed; as in exports(5).
enum class Squash : std::uint8_t {
    none,  ///< everybody is who they say
    root,  ///< uid 0 and gid 0 become anonymous
    all,   ///< everybody is anonymous
};

struct ExportOptions {
    bool read_only = false;
    Squash squash = Squash::root;
    uid_t anonymous_uid = 65534;
    gid_t anonymous_gid = 65534;
    /// What a reply says is on disk. False trades that for speed, as `async` in exports(5).
    bool sync = true;
    /// Only callers at a port below 1024, which takes a privilege on the client, are served.
    bool secure = false;
    /// False: READDIRPLUS is answered with NOTSUPP, and clients list without attributes.
    bool lists_attributes = true;
    /// What is mounted below belongs to the export (`crossmnt`).
    bool crosses_mounts = false;
    /// False: an export that is mounted in another one is seen there too (`nohide`).
    bool is_hidden = true;
    IdMap users;
    IdMap groups;

    bool operator==(const ExportOptions&) const = default;
};

/// The one identity of everybody who is not believed. No groups.
[[nodiscard]] Identity anonymous(const ExportOptions& options) noexcept;

/// Whether the claim of this uid is believed there.
[[nodiscard]] bool is_believed(const ExportOptions& options, uid_t claimed) noexcept;

/// Whom to take the caller for who says it is `claimed`. Whose claims are believed the ids that the
/// client sent decide; those that are believed stand for what the maps say, and those that stand
/// for none are anonymous, or left out of the groups. The groups of the answer are those of
/// `claimed` or lie in `room`, which is for as many. The id 0xFFFFFFFF, which no file may belong
/// to, is anonymous too, and left out of the groups, and so are ids that the kernel does not know
/// in the server's user namespace (`mapped`): it would let nobody act as them. Callers that claim
/// nothing (AUTH_NONE) are anonymous().
[[nodiscard]] Identity squash(const ExportOptions& options, const Identity& claimed,
                              std::span<gid_t> room, const MappedOwners& mapped = {});

/// The owners that a client asks for, as ids of the server. False: one stands for none, and is left
/// out.
[[nodiscard]] bool map_owners(const ExportOptions& options, NewAttributes& wanted);
/// The owners that a client is to see.
[[nodiscard]] uid_t shown_uid(const ExportOptions& options, uid_t uid) noexcept;
[[nodiscard]] gid_t shown_gid(const ExportOptions& options, gid_t gid) noexcept;

}  // namespace berth::vfs
