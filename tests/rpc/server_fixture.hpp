// A server with the toy program on loopback sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/client.hpp"
#include "rpc/server.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/rpc/raw_client.hpp"

namespace berth::rpc {

class ServerTest : public ::testing::Test {
protected:
    ServerTest() { dispatcher.add(service.program()); }
    ~ServerTest() override { service.gate.open(); }

    /// Listens on the address over TCP and over UDP.
    void start(std::string_view address = "127.0.0.1") {
        server.emplace(options);
        const std::vector<Server::Binding> wanted{{Transport::tcp, endpoint(address, 0)},
                                                  {Transport::udp, endpoint(address, 0)}};
        const auto bound = server->listen(wanted, dispatcher);
        ASSERT_TRUE(bound);
        tcp = (*bound)[0].endpoint;
        udp = (*bound)[1].endpoint;
        server->start();
    }

    Client client(Transport transport = Transport::tcp) {
        const auto& to = transport == Transport::tcp ? tcp : udp;
        return Client{open_channel(transport, to, {.give_up_after = test::patience}),
                      test::toy::program_2};
    }

    static constexpr std::chrono::milliseconds long_enough{test::patience};

    ServerOptions options{.network_threads = 2};
    test::toy::Service service;
    Dispatcher dispatcher;
    std::optional<Server> server;
    Endpoint tcp;
    Endpoint udp;
};

}  // namespace berth::rpc
