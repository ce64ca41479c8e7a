#include "nfs/exports/claim.hpp"

namespace berth::exports {

vfs::Result<Identified> identify(const Options& options, const Claim& claim, UserGroups* groups,
                                 vfs::Patience patience, const vfs::MappedOwners& mapped) {
    if (claim.flavor != Flavor::sys) return Identified{anonymous(options), {}};
    Identified found{squash(options, claim.identity, claim.room, mapped), {}};
    if (groups == nullptr || options.squash == Squash::all) return found;
    const auto uid = options.users.to_server(claim.identity.uid);
    if (!uid || !mapped.users.has(*uid) || !is_believed(options, claim.identity.uid)) {
        found.identity.groups = {};
        return found;
    }
    auto user = groups->find(*uid, patience);
    if (!user) return user.error();
    if (!(*user)->is_known) return found;
    found.user = *std::move(user);
    found.identity.groups = options.squash == Squash::none
                                ? std::span<const gid_t>{found.user->groups}
                                : found.user->groups_but_root();
    return found;
}

}  // namespace berth::exports
