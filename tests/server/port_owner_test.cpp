// Who has a port that the server wants.
#include "server/port_owner.hpp"

#include <fstream>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace berth::server {
namespace {

/// A socket of this process on a port of the loopback address.
class Taken {
public:
    explicit Taken(rpc::Transport transport)
        : number_(
              ::socket(AF_INET, transport == rpc::Transport::tcp ? SOCK_STREAM : SOCK_DGRAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(number_, any, bytes), 0);
        if (transport == rpc::Transport::tcp) {
            EXPECT_EQ(::listen(number_, 1), 0);
        }
        EXPECT_EQ(::getsockname(number_, any, &bytes), 0);
        binding = {transport, {*rpc::Address::parse("127.0.0.1"), ntohs(address.sin_port)}};
    }
    ~Taken() { ::close(number_); }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

    rpc::Server::Binding binding;

private:
    int number_;
};

TEST(PortOwner, IsNamedWithItsNumber) {
    std::string name;
    std::getline(std::ifstream{"/proc/self/comm"}, name);
    for (const auto transport : {rpc::Transport::tcp, rpc::Transport::udp}) {
        const Taken taken{transport};
        EXPECT_EQ(owner_of_port(taken.binding), name + " (pid " + std::to_string(::getpid()) + ")");
    }
}

TEST(PortOwner, IsNobodyWhereThePortIsFree) {
    rpc::Server::Binding binding;
    {
        const Taken taken{rpc::Transport::tcp};
        binding = taken.binding;
    }
    EXPECT_EQ(owner_of_port(binding), "");
}

}  // namespace
}  // namespace berth::server
