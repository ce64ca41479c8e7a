#include "portmap/rpcbind_service.hpp"

#include <chrono>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/portmap/fixture.hpp"

namespace berth::portmap::rpcbind {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

Binding binding(std::uint32_t program, std::uint32_t version, std::string_view netid,
                std::string_view address = "") {
    return {program, version, netid, address, std::string_view{"libtirpc"}};
}

/// What versions 3 and 4 have in common.
class Rpcbind : public testing::TestWithParam<std::uint32_t> {
protected:
    test::Caller caller() { return portmapper.caller(GetParam()); }
    test::Caller local_caller(std::uint16_t port = 700) {
        return portmapper.local_caller(GetParam(), port);
    }

    Portmapper portmapper;
};
INSTANTIATE_TEST_SUITE_P(Versions, Rpcbind, testing::Values(3, 4));

TEST_P(Rpcbind, NullTakesAndGivesNothing) {
    auto caller = this->caller();
    EXPECT_TRUE(caller.program().any_credential);
    EXPECT_EQ(caller.invoke(0, {}), rpc::Outcome::success);
    EXPECT_THAT(caller.results(), IsEmpty());
}

TEST_P(Rpcbind, AddressesAreThoseThatTheCallerReachedUsBy) {
    for (const auto netid : all_netids)
        portmapper.registry.add_own(registration(100003, 3, netid, 2049));
    auto caller = this->caller();
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "tcp")).view(), "192.0.2.1.8.1");
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "udp")).view(), "192.0.2.1.8.1");
    caller.to = endpoint("2001:db8::1", 111);
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "tcp6")).view(), "2001:db8::1.8.1");
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "udp6")).view(), "2001:db8::1.8.1");
}

TEST_P(Rpcbind, AnAddressThatIsNotAnyIsToldAsItIs) {
    auto here = registration(100003, 3, Netid::tcp, 2049);
    here.at.address = *rpc::Address::parse("198.51.100.9");
    portmapper.registry.add_own(here);
    EXPECT_EQ(caller().call<GetAddress>(binding(100003, 3, "tcp")).view(), "198.51.100.9.8.1");
}

TEST_P(Rpcbind, OfTheOtherFamilyOnlyTheLoopbackAddressIsKnown) {
    for (const auto netid : all_netids)
        portmapper.registry.add_own(registration(100003, 3, netid, 2049));
    auto caller = this->caller();
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "tcp6")).view(), "");
    caller.to = endpoint("127.0.0.1", 111);
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "tcp6")).view(), "::1.8.1");
    caller.to = endpoint("::1", 111);
    EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, "udp")).view(), "127.0.0.1.8.1");
}

TEST_P(Rpcbind, NeverAnAddressThatIsAny) {
    for (const auto netid : all_netids)
        portmapper.registry.add_own(registration(100003, 3, netid, 2049));
    auto caller = this->caller();
    for (const auto* const unknown : {"0.0.0.0", "::"}) {
        caller.to = endpoint(unknown, 111);
        for (const auto netid : all_netids)
            EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, text(netid))).view(), "");
    }
}

TEST_P(Rpcbind, AnUnknownNetidStandsForTheTransportOfTheCall) {
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 1));
    portmapper.registry.add_own(registration(100003, 3, Netid::udp, 2));
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp6, 3));
    auto caller = this->caller();
    for (const auto* const netid : {"", "local", "datagram_v"}) {
        caller.to = endpoint("192.0.2.1", 111);
        caller.transport = rpc::Transport::tcp;
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, netid)).view(), "192.0.2.1.0.1");
        caller.transport = rpc::Transport::udp;
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, netid)).view(), "192.0.2.1.0.2");
        caller.to = endpoint("2001:db8::1", 111);
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, netid)).view(), "");
        caller.transport = rpc::Transport::tcp;
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, netid)).view(), "2001:db8::1.0.3");
    }
}

TEST_P(Rpcbind, ATransportNeverAnswersForAnother) {
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto caller = this->caller();
    caller.to = endpoint("127.0.0.1", 111);
    for (const auto* const netid : {"udp", "udp6", "tcp6"}) {
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 3, netid)).view(), "");
        EXPECT_EQ(caller.call<GetAddress>(binding(100003, 9, netid)).view(), "");
    }
}

TEST_P(Rpcbind, AnotherVersionLeadsToWhoKnowsItsVersions) {
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    EXPECT_EQ(caller().call<GetAddress>(binding(100003, 0, "tcp")).view(), "192.0.2.1.8.1");
    EXPECT_EQ(caller().call<GetAddress>(binding(100004, 0, "tcp")).view(), "");
}

TEST_P(Rpcbind, SetAndUnset) {
    auto caller = local_caller();
    const auto nlm = binding(100021, 4, "tcp6", "::.15.205");
    EXPECT_TRUE(caller.call<Set>(nlm));
    EXPECT_FALSE(caller.call<Set>(nlm));
    const auto entered = portmapper.registry.find(100021, 4, Netid::tcp6);
    ASSERT_TRUE(entered);
    EXPECT_EQ(entered->at, endpoint("::", 4045));
    EXPECT_EQ(entered->owner, superuser);  // not what the caller says of itself
    EXPECT_TRUE(caller.call<Set>(binding(100021, 4, "udp", "127.0.0.1.15.205")));
    EXPECT_TRUE(caller.call<Unset>(binding(100021, 4, "tcp6")));
    EXPECT_FALSE(caller.call<Unset>(binding(100021, 4, "tcp6")));
    EXPECT_THAT(portmapper.registry.all(), SizeIs(1));
    EXPECT_TRUE(caller.call<Unset>(binding(100021, 4, "")));
    EXPECT_THAT(portmapper.registry.all(), IsEmpty());
}

TEST_P(Rpcbind, SetRefusesWhatCannotBe) {
    auto caller = local_caller();
    const std::string endless(100000, '1');
    for (const auto& impossible :
         {binding(400000, 1, "tcp", ""), binding(400000, 1, "", "0.0.0.0.8.1"),
          binding(400000, 1, "local", "/run/x.sock"), binding(400000, 1, "tcp", "0.0.0.0"),
          binding(400000, 1, "tcp", "0.0.0.0.0.0"), binding(400000, 1, "tcp", "0.0.0.0.256.1"),
          binding(400000, 1, "tcp", "::.8.1"), binding(400000, 1, "tcp6", "0.0.0.0.8.1"),
          binding(400000, 1, "tcp6", "fe80::1%no-such-interface.8.1"),
          binding(400000, 1, "tcp", endless), binding(400000, 1, endless, "0.0.0.0.8.1")}) {
        EXPECT_FALSE(caller.call<Set>(impossible)) << impossible.address.view().substr(0, 100);
    }
    EXPECT_FALSE(caller.call<Unset>(binding(400000, 1, "local")));
    EXPECT_THAT(portmapper.registry.all(), IsEmpty());
}

TEST_P(Rpcbind, SetAndUnsetAreForThisMachineOnly) {
    const auto nlm = binding(100021, 4, "tcp", "0.0.0.0.15.205");
    auto remote = caller();
    remote.from.port = 700;
    EXPECT_FALSE(remote.call<Set>(nlm));
    // A claim to have come to our loopback address does not help.
    remote.to = endpoint("127.0.0.1", 111);
    EXPECT_FALSE(remote.call<Set>(nlm));
    EXPECT_TRUE(local_caller().call<Set>(nlm));
    EXPECT_FALSE(remote.call<Unset>(nlm));
    EXPECT_THAT(portmapper.registry.all(), SizeIs(1));
    EXPECT_FALSE(local_caller(1024).call<Unset>(nlm));
    EXPECT_TRUE(local_caller(1023).call<Unset>(nlm));
}

TEST_P(Rpcbind, OwnEntriesSurviveUnset) {
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    EXPECT_FALSE(local_caller().call<Unset>(binding(100003, 3, "")));
    EXPECT_FALSE(local_caller().call<Unset>(binding(100003, 3, "tcp")));
    EXPECT_FALSE(local_caller().call<Set>(binding(100003, 3, "tcp", "0.0.0.0.1.1")));
    EXPECT_THAT(portmapper.registry.all(), SizeIs(1));
}

TEST_P(Rpcbind, DumpShowsTheTableAsItIs) {
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp6, 2049));
    auto of_a_user = registration(400000, 7, Netid::udp, 80);
    of_a_user.owner = unknown_user;
    portmapper.registry.set(of_a_user);
    auto caller = this->caller();
    const auto dumped = caller.call<Dump>({}).items;
    ASSERT_THAT(dumped, SizeIs(2));
    EXPECT_EQ(dumped[0].program, 100003U);
    EXPECT_EQ(dumped[0].version, 3U);
    EXPECT_EQ(dumped[0].netid.view(), "tcp6");
    EXPECT_EQ(dumped[0].address.view(), "::.8.1");
    EXPECT_EQ(dumped[0].owner.view(), "superuser");
    EXPECT_EQ(dumped[1].program, 400000U);
    EXPECT_EQ(dumped[1].netid.view(), "udp");
    EXPECT_EQ(dumped[1].address.view(), "0.0.0.0.0.80");
    EXPECT_EQ(dumped[1].owner.view(), "unknown");
}

TEST_P(Rpcbind, ADumpOfTheFullestTableFitsIntoADatagram) {
    for (std::uint32_t i = 0; i < Registry::entries_max; ++i) {
        auto longest = registration(0xFFFF0000 + i, 0xFFFFFFFF, Netid::tcp6, 0xFFFF);
        longest.at.address = *rpc::Address::parse("2001:db8:1111:2222:3333:4444:5555:6666");
        ASSERT_TRUE(portmapper.registry.set(longest));
    }
    auto caller = this->caller();
    EXPECT_THAT(caller.call<Dump>({}).items, SizeIs(Registry::entries_max));
    EXPECT_LT(caller.results().size(), 64000U);
}

TEST_P(Rpcbind, GetTime) {
    const auto now = [] {
        return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    };
    auto caller = this->caller();
    const auto before = now();
    const auto told = caller.call<GetTime>({});
    EXPECT_GE(told, before);
    EXPECT_LE(told, now());
}

TEST_P(Rpcbind, UniversalAddressesToThoseOfThisMachineAndBack) {
    auto caller = this->caller();
    for (const auto* const address :
         {"192.0.2.1.8.1", "0.0.0.0.0.0", "2001:db8::1.8.1", "::.0.111"}) {
        const auto buffer = caller.call<ToTransportAddress>({address});
        EXPECT_EQ(buffer.bytes_max, buffer.bytes.size());
        const std::vector<std::byte> bytes{buffer.bytes.bytes().begin(),
                                           buffer.bytes.bytes().end()};
        const auto back = caller.call<ToUniversalAddress>({buffer.bytes_max, std::span{bytes}});
        EXPECT_EQ(back.view(), address);
    }
}

TEST_P(Rpcbind, WhatIsNoAddressBecomesNone) {
    auto caller = this->caller();
    const std::string endless(100000, '.');
    for (const std::string_view none : {"", ".", "..", "1.2.3.4", "1.2.3.4.5", "1.2.3.4.5.256",
                                        "::", "::1", "1.2.3.4.8.1 ", "/run/rpcbind.sock"}) {
        EXPECT_EQ(caller.call<ToTransportAddress>({none}).bytes.size(), 0U) << none;
    }
    EXPECT_EQ(caller.call<ToTransportAddress>({std::string_view{endless}}).bytes.size(), 0U);

    const auto whole_buffer =
        caller.call<ToTransportAddress>({std::string_view{"::1.8.1"}}).bytes.bytes();
    const std::vector<std::byte> whole{whole_buffer.begin(), whole_buffer.end()};
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto cut = std::span{whole}.first(size);
        EXPECT_EQ(caller.call<ToUniversalAddress>({128, cut}).view(), "") << size;
    }
    const std::vector<std::byte> unix_socket{std::byte{1}, std::byte{0}, std::byte{'/'},
                                             std::byte{'x'}};
    EXPECT_EQ(caller.call<ToUniversalAddress>({110, std::span{unix_socket}}).view(), "");
    const std::vector<std::byte> too_long(129, std::byte{2});
    EXPECT_EQ(caller.call<ToUniversalAddress>({129, std::span{too_long}}).view(), "");
}

TEST_P(Rpcbind, NoPrefixOfArgumentsIsTaken) {
    auto caller = this->caller();
    const auto whole = binding(100003, 3, "tcp", "0.0.0.0.8.1");
    caller.expect_no_prefix_taken<Set>(whole);
    caller.expect_no_prefix_taken<Unset>(whole);
    caller.expect_no_prefix_taken<GetAddress>(whole);
    caller.expect_no_prefix_taken<ToTransportAddress>({std::string_view{"::1.8.1"}});
    const std::vector<std::byte> bytes(5);
    caller.expect_no_prefix_taken<ToUniversalAddress>({5, std::span{bytes}});
    if (GetParam() == 4) {
        caller.expect_no_prefix_taken<GetVersionAddress>(whole);
        caller.expect_no_prefix_taken<GetAddressList>(whole);
    }
}

TEST(Service3, HasTheProceduresOfTheRfcButCallit) {
    Portmapper portmapper;
    const auto program = portmapper.caller(3).program();
    ASSERT_EQ(program.procedures.size(), 9U);
    for (std::size_t number = 0; number < program.procedures.size(); ++number)
        EXPECT_EQ(program.procedures[number].invoke == nullptr, number == 5) << number;
}

TEST(Service4, HasTheProceduresOfTheRfcButBcastAndIndirect) {
    Portmapper portmapper;
    const auto program = portmapper.caller(4).program();
    ASSERT_EQ(program.procedures.size(), procedure_count);
    for (std::size_t number = 0; number < program.procedures.size(); ++number)
        EXPECT_EQ(program.procedures[number].invoke == nullptr, number == 5 || number == 10)
            << number;
}

TEST(Service4, GetVersionAddressIsExact) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto caller = portmapper.caller(4);
    EXPECT_EQ(caller.call<GetVersionAddress>(binding(100003, 3, "tcp")).view(), "192.0.2.1.8.1");
    EXPECT_EQ(caller.call<GetVersionAddress>(binding(100003, 0, "tcp")).view(), "");
    EXPECT_EQ(caller.call<GetVersionAddress>(binding(100003, 3, "udp")).view(), "");
}

TEST(Service4, GetAddressListHasTheFamilyByWhichTheCallCame) {
    Portmapper portmapper;
    for (const auto netid : all_netids)
        portmapper.registry.add_own(registration(100003, 3, netid, 2049));
    auto caller = portmapper.caller(4);
    caller.to = endpoint("2001:db8::1", 111);
    const auto list = caller.call<GetAddressList>(binding(100003, 3, "")).items;
    ASSERT_THAT(list, SizeIs(2));
    EXPECT_EQ(list[0].address.view(), "2001:db8::1.8.1");
    EXPECT_EQ(list[0].netid.view(), "udp6");
    EXPECT_EQ(list[0].semantics, connectionless);
    EXPECT_EQ(list[0].protocol_family.view(), "inet6");
    EXPECT_EQ(list[0].protocol.view(), "udp");
    EXPECT_EQ(list[1].netid.view(), "tcp6");
    EXPECT_EQ(list[1].semantics, connection_oriented_orderly);
    EXPECT_EQ(list[1].protocol.view(), "tcp");
    EXPECT_THAT(caller.call<GetAddressList>(binding(100003, 4, "")).items, IsEmpty());
}

TEST(Service4, GetStatisticsCountsWhatWasDone) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto two = portmapper.local_caller(2);
    two.call<v2::GetPort>({100003, 3, v2::Protocol::tcp});
    two.call<v2::Set>({400000, 1, v2::Protocol::tcp, 80});
    two.call<v2::Set>({400000, 1, v2::Protocol::tcp, 80});
    two.call<v2::Unset>({400000, 1});
    auto three = portmapper.local_caller(3);
    three.call<Dump>({});
    auto four = portmapper.caller(4);
    four.call<GetAddress>(binding(100003, 3, "tcp"));
    four.call<GetAddress>(binding(100003, 3, "tcp"));
    four.call<GetVersionAddress>(binding(100003, 4, "tcp"));
    const auto counts = four.call<GetStatistics>({});

    EXPECT_THAT(counts[0].calls, testing::ElementsAre(0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    EXPECT_EQ(counts[0].set, 1);
    EXPECT_EQ(counts[0].unset, 1);
    ASSERT_THAT(counts[0].lookups.items, SizeIs(1));
    EXPECT_THAT(counts[1].calls, testing::ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0));
    EXPECT_THAT(counts[1].lookups.items, IsEmpty());
    EXPECT_THAT(counts[2].calls, testing::ElementsAre(0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 1));
    const auto& lookups = counts[2].lookups.items;
    ASSERT_THAT(lookups, SizeIs(2));
    EXPECT_EQ(lookups[0].program, 100003U);
    EXPECT_EQ(lookups[0].version, 3U);
    EXPECT_EQ(lookups[0].success, 2);
    EXPECT_EQ(lookups[0].failure, 0);
    EXPECT_EQ(lookups[0].netid.view(), "tcp");
    EXPECT_EQ(lookups[1].version, 4U);
    EXPECT_EQ(lookups[1].success, 0);
    EXPECT_EQ(lookups[1].failure, 1);
    EXPECT_THAT(counts[2].remote_calls.items, IsEmpty());
}

// From rpcinfo-showmount.pcap, frames 9 and 11: showmount asks where MOUNT version 3 is; rpcbind's
// own answer.
TEST(Service4, GoldenGetAddress) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100005, 3, Netid::tcp, 41255));
    auto caller = portmapper.caller(4);
    caller.to = endpoint("10.9.0.1", 111);
    const auto arguments =
        test::bytes_of_hex("000186a5"                                    // program 100005
                           "00000003"                                    // version 3
                           "00000003 746370 00"                          // netid "tcp"
                           "0000000e 31302e392e302e312e302e313131 0000"  // "10.9.0.1.0.111"
                           "00000008 6c69627469727063");                 // owner "libtirpc"
    ASSERT_EQ(caller.invoke(GetAddress::id.number, arguments), rpc::Outcome::success);
    EXPECT_EQ(
        caller.results(),
        test::bytes_of_hex("0000000f 31302e392e302e312e3136312e3339 00"));  // "10.9.0.1.161.39"
}

// From rpcinfo-showmount.pcap, frames 158 and 160: `rpcinfo -l`; rpcbind's own answer.
TEST(Service4, GoldenGetAddressList) {
    Portmapper portmapper;
    portmapper.registry.add_own(registration(100003, 3, Netid::udp, 2049));
    portmapper.registry.add_own(registration(100003, 3, Netid::tcp, 2049));
    auto caller = portmapper.caller(4);
    caller.to = endpoint("10.9.0.1", 111);
    const auto arguments =
        test::bytes_of_hex("000186a3"                                    // program 100003
                           "00000003"                                    // version 3
                           "00000003 746370 00"                          // netid "tcp"
                           "0000000e 31302e392e302e312e302e313131 0000"  // "10.9.0.1.0.111"
                           "00000000");                                  // owner ""
    ASSERT_EQ(caller.invoke(GetAddressList::id.number, arguments), rpc::Outcome::success);
    EXPECT_EQ(caller.results(),
              test::bytes_of_hex("00000001"                           // an entry follows
                                 "0000000c 31302e392e302e312e382e31"  // "10.9.0.1.8.1"
                                 "00000003 756470 00"                 // netid "udp"
                                 "00000001"                           // connectionless
                                 "00000004 696e6574"                  // family "inet"
                                 "00000003 756470 00"                 // protocol "udp"
                                 "00000001"                           // an entry follows
                                 "0000000c 31302e392e302e312e382e31"  // "10.9.0.1.8.1"
                                 "00000003 746370 00"                 // netid "tcp"
                                 "00000003"                           // orderly connections
                                 "00000004 696e6574"                  // family "inet"
                                 "00000003 746370 00"                 // protocol "tcp"
                                 "00000000"));                        // the end
}

}  // namespace
}  // namespace berth::portmap::rpcbind
