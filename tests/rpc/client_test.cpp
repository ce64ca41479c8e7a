#include "rpc/client.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"
#include "tests/support/loopback.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of;
using test::bytes_of_hex;
using test::hex_of;
using test::Loopback;
using Kind = Failure::Kind;

class ClientTest : public DispatcherTest {
protected:
    Client client_of(ProgramId program, ClientIdentity identity = {}) {
        return {std::make_unique<Loopback>(dispatcher), program, std::move(identity)};
    }
};

TEST_F(ClientTest, CallsAndDecodes) {
    auto client = client_of(toy::program_2);
    const auto echoed = client.call<toy::Echo>({bytes_of("hello")});
    ASSERT_TRUE(echoed);
    EXPECT_EQ(hex_of(echoed->data.bytes()), hex_of(bytes_of("hello")));
    EXPECT_TRUE(client.call<toy::Null>({}));
}

TEST_F(ClientTest, CallsByNumberToo) {
    auto client = client_of(toy::program_2);
    const toy::Echo::Args args{bytes_of("hello")};
    EXPECT_TRUE(client.tell(toy::Echo::id.number, args));
    const auto refused = client.tell(99, args);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().accepted, AcceptStatus::procedure_unavailable);
}

TEST_F(ClientTest, IsWhoItIsToldToBe) {
    auto client = client_of(toy::program_2);
    EXPECT_EQ(client.call<toy::Who>({})->flavor, AuthFlavor::none);
    client.become({.flavor = AuthFlavor::sys,
                   .uid = 1000,
                   .gid = 100,
                   .gids = std::vector<std::uint32_t>(16, 9),
                   .machine_name = "here"});
    const auto who = client.call<toy::Who>({});
    EXPECT_EQ(who->flavor, AuthFlavor::sys);
    EXPECT_EQ(who->uid, 1000U);
    EXPECT_EQ(who->gid, 100U);
    EXPECT_EQ(who->gids.items.size(), 16U);
    EXPECT_EQ(who->machine_name.view(), "here");
    client.become({});
    EXPECT_EQ(client.call<toy::Who>({})->flavor, AuthFlavor::none);
}

TEST_F(ClientTest, RefusalsSayWhy) {
    auto unknown = client_of({99, 1, "?"});
    auto refused = unknown.call<toy::Null>({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::refused);
    EXPECT_EQ(refused.error().accepted, AcceptStatus::program_unavailable);

    auto old = client_of({toy::program_2.number, 1, "?"});
    refused = old.call<toy::Null>({});
    EXPECT_EQ(refused.error().accepted, AcceptStatus::program_mismatch);
    EXPECT_EQ(refused.error().versions.low, 2U);
    EXPECT_EQ(refused.error().versions.high, 4U);

    auto client = client_of(toy::program_2);
    refused = client.call<toy::Throw>({});
    EXPECT_EQ(refused.error().kind, Kind::refused);
    EXPECT_EQ(refused.error().accepted, AcceptStatus::system_error);
    EXPECT_EQ(refused.error().text(), "refused with accept_stat 5");
    EXPECT_THROW(refused.value(), std::runtime_error);
}

/// Answers every call with the same bytes behind its xid.
class Parrot final : public Channel {
public:
    explicit Parrot(std::string_view hex) : tail_(bytes_of_hex(hex)) {}
    boost::system::result<std::span<const std::byte>>
    exchange(std::uint32_t xid, const xdr::Writer& /*message*/) override {
        xdr::Writer all;
        all.u32(xid);
        reply_ = all.flat();
        reply_.insert(reply_.end(), tail_.begin(), tail_.end());
        return std::span<const std::byte>{reply_};
    }

private:
    Bytes tail_;
    Bytes reply_;
};

Failure failure_with(std::string_view hex) {
    Client client{std::make_unique<Parrot>(hex), toy::program_2};
    const auto answer = client.call<toy::Count>({1});
    if (answer) {
        ADD_FAILURE() << "an answer of " << hex;
        return {};
    }
    return answer.error();
}

TEST(ClientFailures, DenialsSayWhy) {
    // REPLY, MSG_DENIED, RPC_MISMATCH, low, high
    auto failure = failure_with("00000001 00000001 00000000 00000003 00000005");
    EXPECT_EQ(failure.kind, Kind::denied);
    EXPECT_EQ(failure.rejected, RejectStatus::rpc_mismatch);
    EXPECT_EQ(failure.versions.low, 3U);
    EXPECT_EQ(failure.versions.high, 5U);
    // REPLY, MSG_DENIED, AUTH_ERROR, AUTH_TOOWEAK
    failure = failure_with("00000001 00000001 00000001 00000005");
    EXPECT_EQ(failure.kind, Kind::denied);
    EXPECT_EQ(failure.rejected, RejectStatus::authentication_error);
    EXPECT_EQ(failure.auth, AuthStatus::too_weak);
    EXPECT_EQ(failure.text(), "denied with reject_stat 1, auth_stat 5");
}

TEST(ClientFailures, WhatCannotBeDecodedIsNoAnswer) {
    const std::string success = "00000001 00000000 00000000 00000000 00000000";
    for (const auto& hex : {
             std::string{},                  // nothing behind the xid
             std::string{"00000000"},        // a call
             std::string{"00000002"},        // neither
             std::string{"00000001"},        // a reply without a status
             success.substr(0, 40),          // no accept_stat
             success,                        // no results
             success + "000000",             // not all of them
             success + "00000001 00000000",  // more than all
             std::string{"00000001 00000000 00000000 00000191"},
         })
        EXPECT_EQ(failure_with(hex).kind, Kind::undecodable) << hex;
    Client client{std::make_unique<Parrot>(success + "0000002a"), toy::program_2};
    EXPECT_EQ(client.call<toy::Count>({1})->total, 42U);
    // A verifier may say something; we do not ask what.
    Client other{std::make_unique<Parrot>("00000001 00000000 00000002 00000004 deadbeef 00000000"
                                          "0000002a"),
                 toy::program_2};
    EXPECT_EQ(other.call<toy::Count>({1})->total, 42U);
}

}  // namespace
}  // namespace berth::rpc
