#include "rpc/credential.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"
#include "tests/support/logged.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using test::bytes_of_hex;
using test::hex_of;

class Credentials : public DispatcherTest {
protected:
    Credentials() {
        auto open_to_all = service.program({0x20000043, 1, "OPEN"});
        open_to_all.any_credential = true;
        dispatcher.add(std::move(open_to_all));
    }

    /// auth_stat of the answer, or ok if the call was accepted.
    AuthStatus status(const CallParts& parts) {
        const auto reply = answer(call_bytes(parts));
        xdr::Reader in{reply};
        Message message;
        xdr::decode(in, message);
        const auto* body = message.body.get_if<MessageType::reply>();
        if (!in.ok() || body == nullptr) {
            ADD_FAILURE() << "no reply: " << hex_of(reply);
            return AuthStatus::failed;
        }
        if (body->get_if<ReplyStatus::accepted>() != nullptr) return AuthStatus::ok;
        const auto* auth =
            body->get_if<ReplyStatus::denied>()->get_if<RejectStatus::authentication_error>();
        return auth != nullptr ? *auth : AuthStatus::failed;
    }
    AuthStatus status_of_sys(std::string_view body_hex) {
        return status({.procedure = toy::Who::id.number,
                       .flavor = AuthFlavor::sys,
                       .credential = bytes_of_hex(body_hex)});
    }
};

constexpr auto who_procedure = toy::Who::id.number;

TEST_F(Credentials, AuthNoneIsNobody) {
    const auto reply = answer(call_bytes({.procedure = who_procedure}));
    const auto result = results_of<toy::Who>(reply);
    EXPECT_EQ(result.flavor, AuthFlavor::none);
    EXPECT_EQ(result.uid, 0U);
    EXPECT_TRUE(result.gids.items.empty());
    EXPECT_EQ(result.machine_name.view(), "");
}

TEST_F(Credentials, AuthSysIsWhoItSays) {
    const auto reply =
        answer(call_bytes({.procedure = who_procedure,
                           .flavor = AuthFlavor::sys,
                           .credential = auth_sys(1000, 0xFFFFFFFF, {5, 6, 0xFFFFFFFF}, "host")}));
    const auto result = results_of<toy::Who>(reply);
    EXPECT_EQ(result.flavor, AuthFlavor::sys);
    EXPECT_EQ(result.uid, 1000U);
    EXPECT_EQ(result.gid, 0xFFFFFFFFU);
    ASSERT_EQ(result.gids.items.size(), 3U);
    EXPECT_EQ(result.gids.items[2], 0xFFFFFFFFU);
    EXPECT_EQ(result.machine_name.view(), "host");
}

TEST_F(Credentials, NothingOfOneCallersIdentityIsLeftForTheNext) {
    Exchange exchange;
    const auto named = call_bytes({.procedure = who_procedure,
                                   .flavor = AuthFlavor::sys,
                                   .credential = auth_sys(1000, 100, {5, 6}, "host")});
    const auto anonymous = call_bytes({.procedure = who_procedure});
    for (const auto* call : {&named, &anonymous}) {
        exchange.reset();
        exchange.request = *call;
        ASSERT_EQ(dispatcher.handle(exchange), Verdict::reply);
    }
    const auto reply = exchange.reply.flat();
    const auto result = results_of<toy::Who>(reply);
    EXPECT_EQ(result.flavor, AuthFlavor::none);
    EXPECT_EQ(result.uid + result.gid, 0U);
    EXPECT_TRUE(result.gids.items.empty());
    EXPECT_EQ(result.machine_name.view(), "");
}

// stamp, name "ab", uid, gid, then the gids
constexpr std::string_view sys_head = "00000001 00000002 61620000 000003e8 00000064";

TEST_F(Credentials, SixteenGroupsAreTheMost) {
    std::string groups;
    for (int i = 0; i < 16; ++i) groups += "00000007";
    EXPECT_EQ(status_of_sys(std::string{sys_head} + "00000010" + groups), AuthStatus::ok);
    EXPECT_EQ(status_of_sys(std::string{sys_head} + "00000011" + groups + "00000007"),
              AuthStatus::bad_credential);
}

TEST_F(Credentials, AMachineNameHas255BytesAtMost) {
    const std::string tail = "000003e8 00000064 00000000";
    const auto name = [](std::size_t size) { return hex_of(Bytes(size, std::byte{'m'})); };
    EXPECT_EQ(status_of_sys("00000001 000000ff" + name(255) + "00" + tail), AuthStatus::ok);
    EXPECT_EQ(status_of_sys("00000001 00000100" + name(256) + tail), AuthStatus::bad_credential);
    EXPECT_EQ(status_of_sys("00000001 00000000" + tail), AuthStatus::ok);
}

TEST_F(Credentials, InnerLengthsMustAgreeWithTheOuterOne) {
    const auto body = std::string{sys_head} + "00000002 00000001 00000002";
    EXPECT_EQ(status_of_sys(body), AuthStatus::ok);
    EXPECT_EQ(status_of_sys(body + "00000000"), AuthStatus::bad_credential);
    const auto whole = bytes_of_hex(body);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(status_of_sys(hex_of(std::span{whole}.first(size))), AuthStatus::bad_credential)
            << size;
    // A count that only what lies beyond the credential would satisfy.
    EXPECT_EQ(status_of_sys(std::string{sys_head} + "00000003 00000001 00000002"),
              AuthStatus::bad_credential);
    EXPECT_EQ(status_of_sys(std::string{sys_head} + "ffffffff"), AuthStatus::bad_credential);
}

TEST_F(Credentials, ABodyHas400BytesAtMost) {
    for (const std::uint32_t procedure : {0U, who_procedure}) {
        EXPECT_EQ(
            status({.procedure = procedure, .flavor = AuthFlavor::sys, .credential = Bytes(401)}),
            AuthStatus::bad_credential);
        EXPECT_EQ(status({.procedure = procedure, .verifier = Bytes(401)}),
                  AuthStatus::bad_verifier);
    }
}

TEST_F(Credentials, AuthSysHasAnEmptyVerifier) {
    CallParts parts{.procedure = who_procedure,
                    .flavor = AuthFlavor::sys,
                    .credential = auth_sys(1, 1),
                    .verifier_flavor = AuthFlavor::sys};
    EXPECT_EQ(status(parts), AuthStatus::bad_verifier);
    parts.verifier_flavor = AuthFlavor::none;
    EXPECT_EQ(status(parts), AuthStatus::ok);
    parts.verifier = Bytes(4);
    EXPECT_EQ(status(parts), AuthStatus::bad_verifier);
}

TEST_F(Credentials, OtherFlavoursAreRefusedEachInItsWay) {
    const auto with = [&](AuthFlavor flavor, std::uint32_t procedure) {
        return status({.procedure = procedure, .flavor = flavor, .credential = Bytes(8)});
    };
    EXPECT_EQ(with(AuthFlavor::none, who_procedure), AuthStatus::bad_credential);
    EXPECT_EQ(with(AuthFlavor::short_hand, who_procedure), AuthStatus::rejected_credential);
    EXPECT_EQ(with(AuthFlavor::gss, who_procedure), AuthStatus::bad_credential);
    EXPECT_EQ(with(AuthFlavor{3}, who_procedure), AuthStatus::bad_credential);
    EXPECT_EQ(with(AuthFlavor{0xFFFFFFFF}, who_procedure), AuthStatus::bad_credential);
    EXPECT_EQ(status({.procedure = who_procedure, .flavor = AuthFlavor::tls}),
              AuthStatus::bad_credential);
}

TEST_F(Credentials, APingMayComeInAnyFlavourButTls) {
    const auto ping = [&](AuthFlavor flavor) {
        return status({.flavor = flavor, .credential = Bytes(8)});
    };
    EXPECT_EQ(ping(AuthFlavor::gss), AuthStatus::ok);
    EXPECT_EQ(ping(AuthFlavor{3}), AuthStatus::ok);
    EXPECT_EQ(ping(AuthFlavor{390003}), AuthStatus::ok);
    EXPECT_EQ(status({.flavor = AuthFlavor::sys, .credential = auth_sys(0, 0)}), AuthStatus::ok);
    EXPECT_EQ(ping(AuthFlavor::sys), AuthStatus::bad_credential);
    // The probe of RFC 9289, and the answer that says "no TLS here".
    EXPECT_EQ(status({.flavor = AuthFlavor::tls}), AuthStatus::bad_credential);
}

TEST_F(Credentials, AProgramMayTakeAnyCredential) {
    const auto open = [&](AuthFlavor flavor, const Bytes& credential) {
        return call_bytes({.program = 0x20000043,
                           .version = 1,
                           .procedure = who_procedure,
                           .flavor = flavor,
                           .credential = credential});
    };
    for (const auto flavor :
         {AuthFlavor::short_hand, AuthFlavor::gss, AuthFlavor::sys, AuthFlavor{3}}) {
        const auto reply = answer(open(flavor, Bytes(12)));
        EXPECT_EQ(results_of<toy::Who>(reply).flavor, AuthFlavor::none);
    }
    const auto known = answer(open(AuthFlavor::sys, auth_sys(7, 8)));
    EXPECT_EQ(results_of<toy::Who>(known).uid, 7U);
    // But it must be one.
    EXPECT_EQ(hex_of(answer(open(AuthFlavor::gss, Bytes(401)))).substr(16, 24), "00000001"
                                                                                "00000001"
                                                                                "00000001");
}

TEST_F(Credentials, FlavoursThatBerthHasNotAreNamedInTheLog) {
    const auto said = [&](const CallParts& parts) {
        const test::Logged logged;
        static_cast<void>(answer(call_bytes(parts)));
        return logged.lines();
    };
    EXPECT_THAT(
        said({.procedure = who_procedure, .flavor = AuthFlavor::gss, .credential = Bytes(8)}),
        testing::ElementsAre("warning: 192.0.2.7 calls with RPCSEC_GSS (Kerberos), which berth "
                             "has not: mount with sec=sys"));
    EXPECT_THAT(said({.flavor = AuthFlavor::tls}),
                testing::ElementsAre("info: 192.0.2.7 asks for TLS, which berth has not: mount "
                                     "without xprtsec"));
    EXPECT_THAT(
        said({.procedure = who_procedure, .flavor = AuthFlavor::sys, .credential = Bytes(401)}),
        testing::IsEmpty());
    EXPECT_THAT(
        said({.procedure = who_procedure, .flavor = AuthFlavor::sys, .credential = auth_sys(1, 2)}),
        testing::IsEmpty());
}

}  // namespace
}  // namespace berth::rpc
