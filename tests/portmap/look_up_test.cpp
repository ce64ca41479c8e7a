// Finding another machine's program through its portmapper.
#include "portmap/look_up.hpp"

#include <gtest/gtest.h>

#include "rpc/dispatcher.hpp"
#include "tests/portmap/fixture.hpp"
#include "tests/support/loopback.hpp"

namespace berth::portmap {
namespace {

constexpr rpc::ProgramId nlm4{100021, 4, "NLM"};

class LookUp : public ::testing::Test {
protected:
    LookUp() {
        for (auto& program : portmapper.services.programs()) dispatcher.add(std::move(program));
    }
    rpc::Answer<std::optional<std::uint16_t>> look(const Wanted& wanted) {
        auto channel = std::make_unique<test::Loopback>(dispatcher);
        channel->transport = wanted.transport;
        if (wanted.v6) channel->to = endpoint("2001:db8::1", 111);
        return look_up(std::move(channel), wanted);
    }

    Portmapper portmapper;
    rpc::Dispatcher dispatcher;
};

TEST_F(LookUp, FindsThePortOfTheTransportAndFamily) {
    portmapper.registry.add_own(registration(100021, 4, Netid::tcp, 4045));
    portmapper.registry.add_own(registration(100021, 4, Netid::udp, 4046));
    portmapper.registry.add_own(registration(100021, 4, Netid::tcp6, 4047));
    EXPECT_EQ(look({.program = nlm4, .transport = rpc::Transport::tcp}).value(), 4045);
    EXPECT_EQ(look({.program = nlm4, .transport = rpc::Transport::udp}).value(), 4046);
    EXPECT_EQ(look({.program = nlm4, .transport = rpc::Transport::tcp, .v6 = true}).value(), 4047);
}

TEST_F(LookUp, WhatIsNotRegisteredHasNoPort) {
    EXPECT_FALSE(look({.program = nlm4}).value());
    EXPECT_FALSE(look({.program = nlm4, .v6 = true}).value());
}

TEST_F(LookUp, WithoutAPortmapperThereIsAFailure) {
    rpc::Dispatcher empty;
    const auto answer = look_up(std::make_unique<test::Loopback>(empty), {.program = nlm4});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().accepted, rpc::AcceptStatus::program_unavailable);
}

}  // namespace
}  // namespace berth::portmap
