#include "portmap/reach.hpp"

namespace berth::portmap {

rpc::Address loopback(bool v6) {
    rpc::Address address;
    address.v6 = v6;
    if (v6) {
        address.bytes[15] = std::byte{1};
    } else {
        address.bytes[0] = std::byte{127};
        address.bytes[3] = std::byte{1};
    }
    return address;
}

std::optional<rpc::Endpoint> reachable_at(const Registration& registration, const rpc::Call& call) {
    auto at = registration.at;
    if (!at.address.is_any()) return at;
    const auto& local = call.local.address;
    if (local.v6 == at.address.v6) {
        at.address = local;
    } else if (local.is_loopback()) {
        at.address = loopback(at.address.v6);
    }
    if (at.address.is_any()) return {};
    return at;
}

bool may_register(const rpc::Call& call) {
    return call.caller.address.is_loopback();
}

bool is_superuser(const rpc::Call& call) {
    return call.caller.has_reserved_port();
}

}  // namespace berth::portmap
