#include "rpc/endpoint.hpp"

#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

namespace berth::rpc {
namespace {

using namespace std::string_view_literals;

TEST(Address, TextAndBack) {
    for (const auto* text :
         {"0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "2001:db8::7"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
    EXPECT_EQ(Address::parse("fe80::1%lo")->text(), "fe80::1%lo");
}

TEST(Address, WhatIsNone) {
    for (const auto text :
         {""sv, "localhost"sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "1.2.3.4 "sv, ":::"sv,
          "::1%"sv, "fe80::1%nowhere"sv, "1.2.3.4\0"sv, "::1\0junk"sv})
        EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Address, AMappedOneIsIpv4) {
    EXPECT_EQ(Address::parse("::ffff:10.1.2.3"), Address::parse("10.1.2.3"));
    EXPECT_FALSE(Address::parse("::ffff:10.1.2.3")->v6);
}

TEST(Address, AMappedOneThatWasReceivedStaysIpv6) {
    sockaddr_in6 received{};
    received.sin6_family = AF_INET6;
    received.sin6_port = htons(700);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &received.sin6_addr);
    const auto from = Endpoint::from(reinterpret_cast<const sockaddr&>(received));
    EXPECT_TRUE(from.address.v6);
    EXPECT_TRUE(from.address.is_mapped());
    EXPECT_FALSE(from.address.is_loopback());
    EXPECT_NE(from.address, *Address::parse("127.0.0.1"));
    EXPECT_FALSE(Address::parse("127.0.0.1")->is_mapped());
    EXPECT_FALSE(Address::parse("::1")->is_mapped());
    EXPECT_FALSE(Address::parse("::127.0.0.1")->is_loopback());
}

TEST(Endpoint, PortsThatOnlyRootHas) {
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{1, 700, 1023})
        EXPECT_TRUE((Endpoint{{}, port}).has_reserved_port()) << port;
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 1024, 65535})
        EXPECT_FALSE((Endpoint{{}, port}).has_reserved_port()) << port;
}

TEST(Address, LoopbackAndAny) {
    EXPECT_TRUE(Address::parse("127.0.0.1")->is_loopback());
    EXPECT_TRUE(Address::parse("127.255.0.1")->is_loopback());
    EXPECT_TRUE(Address::parse("::1")->is_loopback());
    EXPECT_TRUE(Address::parse("::ffff:127.0.0.1")->is_loopback());
    EXPECT_FALSE(Address::parse("128.0.0.1")->is_loopback());
    EXPECT_FALSE(Address::parse("::2")->is_loopback());
    EXPECT_FALSE(Address::parse("7f00::")->is_loopback());
    EXPECT_TRUE(Address::parse("0.0.0.0")->is_any());
    EXPECT_TRUE(Address::parse("::")->is_any());
    EXPECT_FALSE(Address::parse("::1")->is_any());
}

TEST(Endpoint, UniversalAddresses) {
    const Endpoint v4{.address = *Address::parse("10.1.2.3"), .port = 2049};
    EXPECT_EQ(v4.universal_address(), "10.1.2.3.8.1");
    EXPECT_EQ(Endpoint::parse_universal_address("10.1.2.3.8.1"), v4);
    const Endpoint v6{.address = *Address::parse("::1"), .port = 65535};
    EXPECT_EQ(v6.universal_address(), "::1.255.255");
    EXPECT_EQ(Endpoint::parse_universal_address("::1.255.255"), v6);
    for (const auto text :
         {""sv, "."sv, ".."sv, "1.2"sv, "10.1.2.3"sv, "10.1.2.3.8"sv, "10.1.2.3.8."sv,
          "10.1.2.3..1"sv, "10.1.2.3.256.1"sv, "10.1.2.3.-1.1"sv, "10.1.2.3.+1.1"sv,
          "10.1.2.3.8.1 "sv, "10.1.2.3.8.1\0"sv, "10.1.2.3\0.8.1"sv, "10.1.2.3.4294967297.1"sv})
        EXPECT_FALSE(Endpoint::parse_universal_address(text)) << text;
}

TEST(Endpoint, SystemFormAndBack) {
    for (const auto* text : {"10.1.2.3", "2001:db8::7", "fe80::1%lo"}) {
        const Endpoint endpoint{.address = *Address::parse(text), .port = 0x1234};
        sockaddr_storage storage{};
        auto& address = reinterpret_cast<sockaddr&>(storage);
        const auto size = endpoint.to(address);
        EXPECT_EQ(size, endpoint.address.v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
        EXPECT_EQ(Endpoint::from(address), endpoint);
    }
}

TEST(Endpoint, Text) {
    EXPECT_EQ((Endpoint{.address = *Address::parse("10.1.2.3"), .port = 7}).text(), "10.1.2.3:7");
    EXPECT_EQ((Endpoint{.address = *Address::parse("::1"), .port = 7}).text(), "[::1]:7");
}

}  // namespace
}  // namespace berth::rpc
