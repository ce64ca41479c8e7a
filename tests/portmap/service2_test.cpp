#include "portmap/service2.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/portmap/fixture.hpp"

namespace berth::portmap::v2 {

// Found by argument-dependent lookup when GoogleMock compares.
static bool operator==(const Mapping& a, const Mapping& b) {
    return a.program == b.program && a.version == b.version && a.protocol == b.protocol &&
           a.port == b.port;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Mapping nlm_tcp{100021, 4, Protocol::tcp, 4045};

TEST(Service2, HasTheProceduresOfTheRfcButCallit) {
    Portmapper portmapper;
    const auto program = portmapper.caller(2).program();
    EXPECT_EQ(program.id.number, 100000U);
    EXPECT_EQ(program.id.version, 2U);
    EXPECT_TRUE(program.any_credential);
    ASSERT_EQ(program.procedures.size(), 5U);
    for (const auto& procedure : program.procedures) EXPECT_NE(procedure.invoke, nullptr);
}

TEST(Service2, NullTakesAndGivesNothing) {
    Portmapper portmapper;
    auto caller = portmapper.caller(2);
    EXPECT_EQ(caller.invoke(0, {}), rpc::Outcome::success);
    EXPECT_THAT(caller.results(), IsEmpty());
}

TEST(Service2, GetPort) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    portmapper.registry.add_own(registration(100005, 3, Netid::udp, 20048));
    auto caller = portmapper.caller(2);
    EXPECT_EQ(caller.call<GetPort>({100003, 3, Protocol::tcp, 7}), 2049U);
    EXPECT_EQ(caller.call<GetPort>({100003, 3, Protocol::udp}), 0U);
    EXPECT_EQ(caller.call<GetPort>({100005, 3, Protocol::udp}), 20048U);
    EXPECT_EQ(caller.call<GetPort>({100005, 3, Protocol::tcp}), 0U);
    EXPECT_EQ(caller.call<GetPort>({100021, 4, Protocol::tcp}), 0U);
    EXPECT_EQ(caller.call<GetPort>({100003, 3, Protocol{132}}), 0U);
}

TEST(Service2, GetPortOfAnotherVersionLeadsToWhoKnowsItsVersions) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto caller = portmapper.caller(2);
    EXPECT_EQ(caller.call<GetPort>({100003, 0, Protocol::tcp}), 2049U);
    EXPECT_EQ(caller.call<GetPort>({100003, 4, Protocol::tcp}), 2049U);
    EXPECT_EQ(caller.call<GetPort>({100003, 4, Protocol::udp}), 0U);
}

TEST(Service2, GetPortAnswersForTheFamilyByWhichTheCallCame) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    portmapper.registry.add_own(registration(100005, 3, Netid::tcp6, 20048));
    auto caller = portmapper.caller(2);
    caller.to = endpoint("2001:db8::1", 111);
    EXPECT_EQ(caller.call<GetPort>({100003, 3, Protocol::tcp}), 0U);
    EXPECT_EQ(caller.call<GetPort>({100005, 3, Protocol::tcp}), 20048U);
}

TEST(Service2, GetPortTellsNothingOfAServiceAtAnotherAddress) {
    Portmapper portmapper;
    auto only_local = registration(100024, 1, Netid::udp, 662);
    only_local.at.address = *rpc::Address::parse("127.0.0.1");
    portmapper.registry.set(only_local);
    auto caller = portmapper.caller(2);
    EXPECT_EQ(caller.call<GetPort>({100024, 1, Protocol::udp}), 0U);
    caller.to = endpoint("127.0.0.1", 111);
    EXPECT_EQ(caller.call<GetPort>({100024, 1, Protocol::udp}), 662U);
}

TEST(Service2, SetAndUnset) {
    Portmapper portmapper;
    auto caller = portmapper.local_caller(2);
    EXPECT_TRUE(caller.call<Set>(nlm_tcp));
    EXPECT_FALSE(caller.call<Set>(nlm_tcp));
    EXPECT_TRUE(caller.call<Set>({100021, 4, Protocol::udp, 4046}));
    EXPECT_EQ(caller.call<GetPort>({100021, 4, Protocol::tcp}), 4045U);
    EXPECT_EQ(portmapper.registry.find(100021, 4, Netid::tcp)->owner, superuser);
    // Protocol and port of an UNSET are not looked at: RFC 1833 §3.2.
    EXPECT_TRUE(caller.call<Unset>({100021, 4, Protocol{0}, 1}));
    EXPECT_FALSE(caller.call<Unset>({100021, 4}));
    EXPECT_THAT(portmapper.registry.all(), IsEmpty());
}

TEST(Service2, SetRefusesWhatCannotBe) {
    Portmapper portmapper;
    auto caller = portmapper.local_caller(2);
    EXPECT_FALSE(caller.call<Set>({400000, 1, Protocol::tcp, 0}));
    EXPECT_FALSE(caller.call<Set>({400000, 1, Protocol::tcp, 65536}));
    EXPECT_FALSE(caller.call<Set>({400000, 1, Protocol{1}, 80}));
    EXPECT_THAT(portmapper.registry.all(), IsEmpty());
    EXPECT_TRUE(caller.call<Set>({400000, 1, Protocol::tcp, 65535}));
}

TEST(Service2, SetAndUnsetAreForThisMachineOnly) {
    Portmapper portmapper;
    auto remote = portmapper.caller(2);
    remote.from.port = 700;
    EXPECT_FALSE(remote.call<Set>(nlm_tcp));
    EXPECT_THAT(portmapper.registry.all(), IsEmpty());
    EXPECT_TRUE(portmapper.local_caller(2).call<Set>(nlm_tcp));
    EXPECT_FALSE(remote.call<Unset>(nlm_tcp));
    EXPECT_EQ(portmapper.registry.all().size(), 1U);
    auto local6 = portmapper.caller(2);
    local6.from = endpoint("::1", 700);
    EXPECT_TRUE(local6.call<Unset>(nlm_tcp));
}

TEST(Service2, AUserCannotRemoveWhatRootRegistered) {
    Portmapper portmapper;
    auto user = portmapper.local_caller(2, 1024);
    EXPECT_TRUE(portmapper.local_caller(2, 1023).call<Set>(nlm_tcp));
    EXPECT_FALSE(user.call<Unset>(nlm_tcp));
    EXPECT_TRUE(user.call<Set>({400000, 1, Protocol::tcp, 80}));
    EXPECT_EQ(portmapper.registry.find(400000, 1, Netid::tcp)->owner, unknown_user);
    EXPECT_TRUE(user.call<Unset>({400000, 1}));
}

TEST(Service2, OwnEntriesSurviveUnset) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto caller = portmapper.local_caller(2);
    EXPECT_FALSE(caller.call<Unset>({100003, 3}));
    EXPECT_FALSE(caller.call<Set>({100003, 3, Protocol::tcp, 666}));
    EXPECT_EQ(caller.call<GetPort>({100003, 3, Protocol::tcp}), 2049U);
}

TEST(Service2, DumpListsTheFamilyByWhichTheCallCame) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::udp, 1));
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp6, 2));
    portmapper.registry.add_own(registration(100005, 1, Netid::tcp, 3));
    auto caller = portmapper.caller(2);
    EXPECT_THAT(caller.call<Dump>({}).items, ElementsAre(Mapping{100003, 3, Protocol::udp, 1},
                                                         Mapping{100005, 1, Protocol::tcp, 3}));
    caller.to = endpoint("2001:db8::1", 111);
    EXPECT_THAT(caller.call<Dump>({}).items, ElementsAre(Mapping{100003, 3, Protocol::tcp, 2}));
}

TEST(Service2, NoPrefixOfArgumentsIsTaken) {
    Portmapper portmapper;
    auto caller = portmapper.caller(2);
    caller.expect_no_prefix_taken<Set>(nlm_tcp);
    caller.expect_no_prefix_taken<Unset>(nlm_tcp);
    caller.expect_no_prefix_taken<GetPort>(nlm_tcp);
}

// From rpcinfo-showmount.pcap, frames 218 and 219: a Linux client asks for MOUNT version 3 over
// UDP.
TEST(Service2, GoldenGetPort) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100005, 3, Netid::udp, 48582));
    auto caller = portmapper.caller(2);
    const auto arguments = test::bytes_of_hex("000186a5"    // program 100005
                                              "00000003"    // version 3
                                              "00000011"    // UDP
                                              "00000000");  // port: not looked at
    ASSERT_EQ(caller.invoke(GetPort::id.number, arguments), rpc::Outcome::success);
    EXPECT_EQ(caller.results(), test::bytes_of_hex("0000bdc6"));  // 48582
}

// From rpcinfo-showmount.pcap, frame 45: the start and the end of rpcbind's answer to `rpcinfo -p`.
TEST(Service2, GoldenDump) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100000, 4, Netid::tcp, 111));
    portmapper.registry.add_own(registration(100021, 4, Netid::udp, 40905));
    auto caller = portmapper.caller(2);
    ASSERT_EQ(caller.invoke(Dump::id.number, {}), rpc::Outcome::success);
    EXPECT_EQ(caller.results(),
              test::bytes_of_hex("00000001"                             // an entry follows
                                 "000186a0 00000004 00000006 0000006f"  // 100000 v4 TCP 111
                                 "00000001"                             // an entry follows
                                 "000186b5 00000004 00000011 00009fc9"  // 100021 v4 UDP 40905
                                 "00000000"));                          // the end
}

}  // namespace
}  // namespace berth::portmap::v2
