// A portmapper as a server would fill it, and callers of its versions.
#pragma once

#include <cstdint>

#include "portmap/programs.hpp"
#include "tests/support/caller.hpp"

namespace berth::portmap {

inline rpc::Endpoint endpoint(const char* address, std::uint16_t port) {
    return {.address = *rpc::Address::parse(address), .port = port};
}

inline Registration registration(std::uint32_t program, std::uint32_t version,
                                 Netid netid = Netid::tcp, std::uint16_t port = 2049) {
    return {.program = program,
            .version = version,
            .netid = netid,
            .at = endpoint(is_v6(netid) ? "::" : "0.0.0.0", port)};
}

struct Portmapper {
    Registry registry;
    Services services{registry};

    test::Caller caller(std::uint32_t version) {
        return test::Caller{services.programs().at(version - 2)};
    }
    /// A caller from this machine: root, by its port, or a user.
    test::Caller local_caller(std::uint32_t version, std::uint16_t port = 700) {
        auto made = caller(version);
        made.from = endpoint("127.0.0.1", port);
        made.to = endpoint("127.0.0.1", 111);
        return made;
    }
};

}  // namespace berth::portmap
