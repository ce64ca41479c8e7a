// From whom a call says it comes to whom it is taken for. Plain values and functions.
#pragma once

#include <span>

#include "nfs/vfs/client_rule.hpp"
#include "nfs/vfs/export_options.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/user_groups.hpp"

namespace berth::vfs {

/// What a call says of its user. Lives as long as the call.
struct Claim {
    Flavor flavor = Flavor::none;
    Identity identity;      ///< not looked at with Flavor::none
    std::span<gid_t> room;  ///< for as many groups as are claimed
};

/// Whom a call is taken for.
struct Identified {
    Identity identity;  ///< its groups lie in `user` or where squash() says
    KnownUserPtr user;
};

/// Squashes and maps, and where the server has a say about groups (`groups` is not nullptr), its
/// own list takes the place of the claimed one, as it is: for users that it does not know the
/// claimed one stays, and a uid that is not believed or stands for none has no groups. Group 0 is
/// left out of the list where root is squashed. `mapped`: as for squash(). Errors are those of
/// UserGroups::find().
[[nodiscard]] Result<Identified> identify(const ExportOptions& options, const Claim& claim,
                                          UserGroups* groups, Wait wait,
                                          const MappedOwners& mapped = {});

}  // namespace berth::vfs
