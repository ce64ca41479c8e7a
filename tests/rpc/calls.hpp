// Calls and replies as bytes, and a dispatcher with the toy program for them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/dispatcher.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/toy_program.hpp"

namespace berth::rpc {

using Bytes = std::vector<std::byte>;

inline Bytes auth_sys(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> gids = {},
                      std::string_view machine_name = "client") {
    AuthSys sys{.stamp = 1, .machine_name = machine_name, .uid = uid, .gid = gid, .gids = {}};
    sys.gids.items.assign(gids.begin(), gids.end());
    return test::encoded(sys);
}

/// The header of a call, every word of which a test may get wrong.
struct CallParts {
    std::uint32_t xid = 0x11223344;
    std::uint32_t type = 0;
    std::uint32_t rpc_version = 2;
    std::uint32_t program = test::toy::program_2.number;
    std::uint32_t version = test::toy::program_2.version;
    std::uint32_t procedure = 0;
    AuthFlavor flavor = AuthFlavor::none;
    Bytes credential;
    AuthFlavor verifier_flavor = AuthFlavor::none;
    Bytes verifier;
};

template <class Args = xdr::Void>
Bytes call_bytes(const CallParts& parts, const Args& args = {}) {
    xdr::Writer out;
    for (const auto word :
         {parts.xid, parts.type, parts.rpc_version, parts.program, parts.version, parts.procedure})
        out.u32(word);
    xdr::encode(out, parts.flavor);
    xdr::encode(out, xdr::Opaque<>{parts.credential});
    xdr::encode(out, parts.verifier_flavor);
    xdr::encode(out, xdr::Opaque<>{parts.verifier});
    xdr::encode(out, args);
    return out.flat();
}

/// A call of one of the toy program's procedures.
template <class Procedure>
Bytes toy_call(const typename Procedure::Args& args, CallParts parts = {}) {
    parts.procedure = Procedure::id.number;
    return call_bytes(parts, args);
}

/// The results in a reply that is a success; they point into `reply`.
template <class Procedure>
typename Procedure::Result results_of(std::span<const std::byte> reply) {
    xdr::Reader in{reply};
    Message header;
    xdr::decode(in, header);
    typename Procedure::Result results{};
    const auto* body = header.body.get_if<MessageType::reply>();
    const auto* accepted = body == nullptr ? nullptr : body->get_if<ReplyStatus::accepted>();
    EXPECT_TRUE(in.ok() && accepted != nullptr) << test::hex_of(reply);
    if (accepted == nullptr) return results;
    EXPECT_EQ(accepted->body.discriminant(), AcceptStatus::success);
    xdr::decode(in, results);
    EXPECT_TRUE(in.ok() && in.rest().empty()) << test::hex_of(reply);
    return results;
}

inline Endpoint endpoint(std::string_view address, std::uint16_t port = 700) {
    return {.address = *Address::parse(address), .port = port};
}

/// A way back that keeps what comes along it.
class KeptReplies final : public ReplyPath {
public:
    std::shared_ptr<ReplyPath> keep() override { return nullptr; }
    void deliver(ExchangePtr finished) override { replies.push_back(std::move(finished)); }
    void lose_call() noexcept override {}

    std::vector<ExchangePtr> replies;
};

/// The dispatcher with the toy program, called through bytes.
class DispatcherTest : public ::testing::Test {
protected:
    DispatcherTest() {
        dispatcher.add(service.program(test::toy::program_2));
        dispatcher.add(service.program(test::toy::program_4));
    }

    /// An exchange that holds a call.
    std::unique_ptr<Exchange> take(std::span<const std::byte> request,
                                   std::string_view from = "192.0.2.7") {
        auto exchange = std::make_unique<Exchange>();
        exchange->request = request;
        exchange->call.caller = endpoint(from);
        exchange->call.local = endpoint("192.0.2.1", 2049);
        return exchange;
    }

    /// The reply to a call, with the work of a worker done; empty for silence.
    Bytes answer(std::span<const std::byte> request, std::string_view from = "192.0.2.7") {
        const test::ExactCopy copy{request};
        const auto exchange = take(copy.bytes(), from);
        auto verdict = dispatcher.handle(*exchange);
        if (verdict == Verdict::guarded) verdict = dispatcher.attempt(*exchange);
        if (verdict == Verdict::worker) verdict = dispatcher.finish(*exchange);
        return verdict == Verdict::reply ? exchange->reply.flat() : Bytes{};
    }
    std::string answer_hex(std::span<const std::byte> request) {
        return test::hex_of(answer(request));
    }

    test::toy::Service service;
    ReplyCache::Clock::time_point now{std::chrono::hours{1000}};
    Dispatcher dispatcher{ReplyCache::Limits{}, [this] { return now; }};
};

}  // namespace berth::rpc
