// Turns the identity that a call claims into the one that the server grants. Plain values,
// functions.
#pragma once

#include <span>

#include "nfs/exports/client_rule.hpp"
#include "nfs/exports/options.hpp"
#include "nfs/exports/user_groups.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::exports {

/// The user that a call claims. Lives as long as the call.
struct Claim {
    Flavor flavor = Flavor::none;
    vfs::Identity identity;  ///< ignored with Flavor::none
    std::span<gid_t> room;   ///< for as many groups as are claimed
};

/// The identity that the server grants a call.
struct Identified {
    vfs::Identity identity;  ///< its groups lie in `user`, or where squash() puts them
    KnownUserPtr user;
};

/// Squashes and maps. If the server decides about groups (`groups` is not nullptr), its own list
/// replaces the claimed one, unmapped. For users that the server does not know the claimed list
/// stays; a uid that is not believed or maps to none has no groups. Group 0 is dropped from the
/// list where root is squashed. `mapped`: as for squash(). Errors are those of UserGroups::find().
[[nodiscard]] vfs::Result<Identified> identify(const Options& options, const Claim& claim,
                                               UserGroups* groups, vfs::Patience patience,
                                               const vfs::MappedOwners& mapped = {});

}  // namespace berth::exports
