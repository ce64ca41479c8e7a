#include "portmap/registrar.hpp"

#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/dispatcher.hpp"
#include "tests/portmap/fixture.hpp"
#include "tests/support/loopback.hpp"

namespace berth::portmap {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// Another program's portmapper on this machine: one of ours, asked as root on the loopback
/// address.
struct SystemRpcbind {
    Portmapper portmapper;
    rpc::Dispatcher dispatcher;
    bool is_up = true;
    int opened = 0;
    bool others_live = false;
    std::optional<Registration> last_asked;

    SystemRpcbind() {
        for (auto& program : portmapper.services.programs()) dispatcher.add(std::move(program));
    }

    std::unique_ptr<Registrar> registrar() {
        std::string reason;
        return Registrar::connect([this](std::string& why) { return open(why); },
                                  [this](const Registration& there) {
                                      last_asked = there;
                                      return others_live;
                                  },
                                  reason);
    }

    std::unique_ptr<rpc::Client> open(std::string& reason) {
        ++opened;
        if (!is_up) {
            reason = "not up";
            return {};
        }
        auto channel = std::make_unique<test::Loopback>(dispatcher);
        channel->from = endpoint("127.0.0.1", 700);
        channel->to = endpoint("127.0.0.1", 111);
        return std::make_unique<rpc::Client>(std::move(channel), rpcbind::id4);
    }
};

TEST(Registrar, SetsAndUnsetsExactlyWhatItWasGiven) {
    SystemRpcbind system;
    system.portmapper.registry.set(registration(100024, 1, Netid::udp, 662));
    auto registrar = system.registrar();
    ASSERT_TRUE(registrar);
    for (const auto netid : all_netids)
        EXPECT_TRUE(registrar->add(registration(100003, 3, netid, 2049)));
    const auto found = system.portmapper.registry.find(100003, 3, Netid::tcp6);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->at, endpoint("::", 2049));
    EXPECT_EQ(found->owner, superuser);
    registrar->remove_all();
    const auto left = system.portmapper.registry.all();
    ASSERT_THAT(left, SizeIs(1));
    EXPECT_EQ(left[0].program, 100024U);
    EXPECT_FALSE(system.last_asked);
}

TEST(Registrar, UnsetsWhenItGoes) {
    SystemRpcbind system;
    system.registrar()->add(registration(100003, 3, Netid::tcp, 2049));
    EXPECT_THAT(system.portmapper.registry.all(), IsEmpty());
    EXPECT_EQ(system.opened, 2);  // a fresh connection: the first may have been closed meanwhile
}

TEST(Registrar, ReplacesWhatACrashedServerLeftUnderItsPort) {
    SystemRpcbind system;
    system.others_live = true;
    auto stale = registration(100003, 3, Netid::tcp, 2049);
    stale.owner = unknown_user;
    system.portmapper.registry.set(stale);
    auto registrar = system.registrar();
    EXPECT_TRUE(registrar->add(registration(100003, 3, Netid::tcp, 2049)));
    EXPECT_FALSE(system.last_asked);  // the port is ours: there is nobody to ask
    EXPECT_EQ(system.portmapper.registry.find(100003, 3, Netid::tcp)->owner, superuser);
}

TEST(Registrar, ReplacesWhatNobodyServes) {
    SystemRpcbind system;
    system.portmapper.registry.set(registration(100003, 3, Netid::tcp6, 777));
    auto registrar = system.registrar();
    EXPECT_TRUE(registrar->add(registration(100003, 3, Netid::tcp6, 2049)));
    ASSERT_TRUE(system.last_asked);
    EXPECT_EQ(system.last_asked->at, endpoint("::", 777));
    EXPECT_EQ(system.portmapper.registry.find(100003, 3, Netid::tcp6)->at.port, 2049);
}

TEST(Registrar, LeavesALivingServerAlone) {
    SystemRpcbind system;
    system.others_live = true;
    system.portmapper.registry.set(registration(100003, 3, Netid::tcp, 777));
    auto registrar = system.registrar();
    EXPECT_FALSE(registrar->add(registration(100003, 3, Netid::tcp, 2049)));
    EXPECT_TRUE(registrar->add(registration(100003, 3, Netid::udp, 2049)));
    registrar->remove_all();
    EXPECT_EQ(system.portmapper.registry.find(100003, 3, Netid::tcp)->at.port, 777);
    EXPECT_THAT(system.portmapper.registry.all(), SizeIs(1));
}

TEST(Registrar, DoesNotUnsetWhatSomebodyElseHasPutInItsPlace) {
    SystemRpcbind system;
    auto registrar = system.registrar();
    EXPECT_TRUE(registrar->add(registration(100003, 3, Netid::tcp, 2049)));
    system.portmapper.registry.unset(100003, 3, {}, true);
    system.portmapper.registry.set(registration(100003, 3, Netid::tcp, 777));
    registrar->remove_all();
    EXPECT_EQ(system.portmapper.registry.find(100003, 3, Netid::tcp)->at.port, 777);
}

TEST(Registrar, WhatIsRefusedIsNotRemembered) {
    SystemRpcbind system;
    system.portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 777));
    auto registrar = system.registrar();
    EXPECT_FALSE(registrar->add(registration(100003, 3, Netid::tcp, 2049)));
    registrar->remove_all();
    EXPECT_EQ(system.opened, 1);
}

TEST(Registrar, SurvivesAnRpcbindThatIsNotThereOrGoes) {
    SystemRpcbind system;
    system.is_up = false;
    EXPECT_FALSE(system.registrar());
    system.is_up = true;
    auto registrar = system.registrar();
    EXPECT_TRUE(registrar->add(registration(100003, 3, Netid::tcp, 2049)));
    system.is_up = false;
    registrar->remove_all();
    EXPECT_THAT(system.portmapper.registry.all(), SizeIs(1));
}

}  // namespace
}  // namespace berth::portmap
