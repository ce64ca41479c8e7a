#include "portmap/registrar.hpp"

#include <chrono>

#include "portmap/protocol.hpp"
#include "rpc/channel.hpp"

namespace berth::portmap {

namespace {

/// The texts live as long as the call.
rpcbind::Binding binding_of(const Registration& what, const std::string& address) {
    return {.program = what.program,
            .version = what.version,
            .netid = text(what.netid),
            .address = std::string_view{address},
            .owner = std::string_view{what.owner}};
}

}  // namespace

std::unique_ptr<Registrar> Registrar::connect(std::string& reason) {
    constexpr std::uint16_t highest_reserved = 1023;
    constexpr std::uint16_t lowest_tried = 600;
    const auto loopback = *rpc::Address::parse("127.0.0.1");
    for (auto port = highest_reserved; port >= lowest_tried; --port) {
        rpc::ChannelOptions options;
        options.give_up_after = std::chrono::seconds{3};
        options.source = rpc::Endpoint{loopback, port};
        rpc::Client client{rpc::open_channel(rpc::Transport::udp, {loopback, port_number}, options),
                           rpcbind::id4};
        const auto answer = client.call<rpc::Null>({});
        if (answer) return std::make_unique<Registrar>(std::move(client));
        reason = answer.error().text();
        if (answer.error().system != boost::system::errc::address_in_use) break;
    }
    return nullptr;
}

bool Registrar::add(const Registration& what) {
    unset(what);
    const auto address = what.at.universal_address();
    const auto answer = client_.call<rpcbind::Set>(binding_of(what, address));
    if (!answer || !*answer) return false;
    added_.push_back(what);
    return true;
}

bool Registrar::unset(const Registration& what) {
    const auto answer = client_.call<rpcbind::Unset>(binding_of(what, {}));
    return answer && *answer;
}

void Registrar::remove_all() {
    for (const auto& what : added_) unset(what);
    added_.clear();
}

}  // namespace berth::portmap
