// How an export treats its callers, and which identity it grants them. Plain values.
#pragma once

#include <cstdint>
#include <span>

#include "nfs/exports/id_map.hpp"
#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::exports {

/// The identity claims that an export does not believe; as in exports(5).
enum class Squash : std::uint8_t {
    none,  ///< all claims are believed
    root,  ///< uid 0 and gid 0 become anonymous
    all,   ///< all callers are anonymous
};

struct Options {
    bool read_only = false;
    Squash squash = Squash::root;
    uid_t anonymous_uid = 65534;
    gid_t anonymous_gid = 65534;
    /// A reply means that the data are on disk. False trades that for speed, as `async` in
    /// exports(5).
    bool sync = true;
    /// Serves only callers on ports below 1024, which need a privilege on the client.
    bool secure = false;
    /// False: READDIRPLUS returns NOTSUPP, and clients list without attributes.
    bool lists_attributes = true;
    /// File systems mounted below belong to the export (`crossmnt`).
    bool crosses_mounts = false;
    /// False: an export mounted inside another one is visible there too (`nohide`).
    bool is_hidden = true;
    IdMap users;
    IdMap groups;

    bool operator==(const Options&) const = default;
};

/// The one identity of all callers that are not believed. No groups.
[[nodiscard]] vfs::Identity anonymous(const Options& options) noexcept;

/// Whether the claim of this uid is believed in the export.
[[nodiscard]] bool is_believed(const Options& options, uid_t claimed) noexcept;

/// The identity for a caller that claims to be `claimed`. The ids as the client sent them decide
/// whether claims are believed. Believed ids go through the maps; an id that maps to none becomes
/// anonymous, or is dropped from the groups. The same holds for 0xFFFFFFFF, which no file may
/// belong to, and for ids that the server's user namespace does not map (`mapped`), because the
/// kernel lets nobody act as them. The groups of the result are those of `claimed`, or lie in
/// `room`, which has space for as many. Callers that claim nothing (AUTH_NONE) are anonymous().
[[nodiscard]] vfs::Identity squash(const Options& options, const vfs::Identity& claimed,
                                   std::span<gid_t> room, const vfs::MappedOwners& mapped = {});

/// Converts owners that a client wants to set to ids of the server. False: one maps to none and is
/// dropped.
[[nodiscard]] bool map_owners(const Options& options, vfs::NewAttributes& wanted);
/// The owner as a client sees it.
[[nodiscard]] uid_t shown_uid(const Options& options, uid_t uid) noexcept;
[[nodiscard]] gid_t shown_gid(const Options& options, gid_t gid) noexcept;

}  // namespace berth::exports
