// Calls as bytes, from root, with the credential that a Linux client sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "nfs/types.hpp"
#include "rpc/message.hpp"
#include "tests/support/bytes.hpp"

namespace berth::bench {

inline std::vector<std::byte> call_header(std::uint32_t procedure) {
    rpc::AuthSys sys{.stamp = 1, .machine_name = std::string_view{"client"}, .gids = {}};
    sys.gids.items = {0, 4, 24, 27, 30, 46};
    const auto credential = test::encoded(sys);
    rpc::CallBody body{.rpc_version = rpc::rpc_version,
                       .program = nfs::program.number,
                       .version = nfs::program.version,
                       .procedure = procedure};
    body.credential = {rpc::AuthFlavor::sys, std::span{credential}};
    using Body = decltype(rpc::Message::body);
    return test::encoded(rpc::Message{.xid = 1, .body = Body::make<rpc::MessageType::call>(body)});
}

template <class Procedure>
std::vector<std::byte> call_of(const typename Procedure::Args& args) {
    auto bytes = call_header(Procedure::id.number);
    const auto arguments = test::encoded(args);
    bytes.insert(bytes.end(), arguments.begin(), arguments.end());
    return bytes;
}

}  // namespace berth::bench
