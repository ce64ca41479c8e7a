#include "nfs/access/caller.hpp"

namespace berth::access {

exports::CallOrigin origin_of(const rpc::Call& call) noexcept {
    const auto& address = call.caller.address;
    return {.client = exports::ClientAddress::of(address.bytes, address.v6),
            .port = call.caller.port};
}

exports::Claim claim_of(rpc::Call& call) {
    const auto& credential = call.credential;
    const bool has_user = credential.flavor == rpc::AuthFlavor::sys;
    return {.flavor = has_user ? exports::Flavor::sys : exports::Flavor::none,
            .identity = {credential.uid, credential.gid, credential.gids},
            .room = call.memory.array<gid_t>(credential.gids.size())};
}

}  // namespace berth::access
