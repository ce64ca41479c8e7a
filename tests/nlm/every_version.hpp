// What tests of NLM say in the words of each of its versions: two clients, and short words for
// their calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nlm/fixture.hpp"

namespace berth::nlm::test {

template <class Width, std::uint32_t Number>
struct Version {
    using V = Width;
    static constexpr rpc::ProgramId id{program_number, Number, "NLM"};
};

template <class T>
class EveryVersion : public ::testing::Test {
protected:
    using Protocol = typename T::V;
    using Offset = typename Protocol::Offset;
    using Answer = typename Protocol::Status;

    LockArgument<Protocol> range(Offset offset, Offset length, std::int32_t svid = 1) {
        return {.caller_name = std::string_view{caller_name},
                .file = bytes(file),
                .owner = bytes(owner),
                .svid = svid,
                .offset = offset,
                .length = length};
    }
    LockArgs<Protocol> lock_args(Offset offset, Offset length, bool block = false,
                                 std::int32_t svid = 1) {
        return {.cookie = bytes(cookie),
                .block = block,
                .exclusive = true,
                .lock = range(offset, length, svid)};
    }
    /// The client is the one whose calls come first; the other one has another address.
    Answer lock(rpc::Client& who, const LockArgs<Protocol>& args) {
        const auto response = who.call<Lock<Protocol>>(args);
        EXPECT_EQ(text(response.value().cookie.bytes()), cookie);
        return response->status;
    }
    Answer lock(rpc::Client& who, Offset offset, Offset length, bool block = false) {
        return lock(who, lock_args(offset, length, block));
    }
    Answer unlock(rpc::Client& who, Offset offset, Offset length) {
        const auto response = who.call<Unlock<Protocol>>({bytes(cookie), range(offset, length)});
        EXPECT_EQ(text(response.value().cookie.bytes()), cookie);
        return response->status;
    }
    Answer cancel(rpc::Client& who, Offset offset, Offset length) {
        return who
            .call<Cancel<Protocol>>({.cookie = bytes(cookie),
                                     .block = true,
                                     .exclusive = true,
                                     .lock = range(offset, length)})
            .value()
            .status;
    }
    TestArgs<Protocol> test_args(Offset offset, Offset length) {
        return {bytes(cookie), false, range(offset, length)};
    }
    /// Versions 1 to 3 have fewer words.
    static Answer narrowed(Status wide, NarrowStatus narrow) {
        if constexpr (std::is_same_v<Protocol, Wide>)
            return wide;
        else
            return narrow;
    }
    rpc::Program program() {
        for (const auto& served : server.dispatcher.programs())
            if (served.id.number == program_number && served.id.version == T::id.version)
                return served;
        return {};
    }
    std::vector<std::string> heard() {
        std::vector<std::string> procedures;
        for (const auto& call : server.client_side.heard) procedures.push_back(call.procedure);
        return procedures;
    }

    LockServer<Protocol> server;
    std::unique_ptr<rpc::Client> one = server.client(T::id);
    std::unique_ptr<rpc::Client> other = server.client(T::id, "192.0.2.8");
    std::string file = server.handle("f");
    std::string cookie = "cookie";
    std::string caller_name = "client.example";
    std::string owner = "17@client";
};

using Versions =
    ::testing::Types<Version<Narrow, 1>, Version<Narrow, 2>, Version<Narrow, 3>, Version<Wide, 4>>;

}  // namespace berth::nlm::test
