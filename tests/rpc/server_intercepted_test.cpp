// Interceptors in a server: delays in which no thread waits, and what happens to replies on their
// way out.
#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/interceptor.hpp"
#include "tests/rpc/server_fixture.hpp"

namespace berth::rpc {
namespace {

namespace toy = test::toy;
using std::chrono::milliseconds;
using test::becomes_true;
using test::bytes_of;
using Act = Departure::Act;

/// Does as the test says, to calls of one procedure.
class Meddler final : public Interceptor {
public:
    Decision before(const Intercepted& call) override {
        ++begun;
        const auto delay = delay_before.load();
        if (!is_meant(call)) return Decision::go_on();
        auto decision = closes_at_call ? Decision::close() : Decision::go_on();
        if (gate) decision = std::move(decision).behind({gate});
        return std::move(decision).after(delay).followed_by(follower);
    }
    void after(const Intercepted&, Ending, Reply&) override { ++ended; }
    void leaving(const Intercepted& call, Departure& departure) override {
        ++left;
        if (!is_meant(call)) return;
        departure.act = act;
        departure.delay = delay_after.load();
        departure.copies = copies;
    }

    std::atomic<std::uint32_t> procedure = toy::Echo::id.number;
    std::atomic<milliseconds> delay_before{milliseconds{0}};
    std::atomic<milliseconds> delay_after{milliseconds{0}};
    std::atomic<Act> act = Act::send;
    std::atomic<unsigned> copies{0};
    std::atomic<bool> closes_at_call = false;
    // Set before the server starts:
    std::shared_ptr<Gate> gate;
    std::shared_ptr<Follower> follower;
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    std::atomic<int> left{0};

private:
    [[nodiscard]] bool is_meant(const Intercepted& call) const {
        return call.call().procedure.number == procedure;
    }
};

/// Sends calls and receives replies over either transport.
class Caller {
public:
    Caller(Transport transport, const Endpoint& server)
        : transport_(transport),
          socket_(transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM, server) {}

    void call(std::span<const std::byte> message) {
        if (transport_ == Transport::tcp)
            socket_.send(RawClient::record(message));
        else
            socket_.send(message);
    }
    std::vector<std::byte> reply() {
        if (transport_ == Transport::udp) return socket_.receive();
        constexpr std::size_t mark_bytes = 4;
        auto mark = socket_.receive(mark_bytes);
        xdr::Reader in{mark};
        return socket_.receive(in.u32() & 0x7FFFFFFF);
    }

private:
    const Transport transport_;
    Socket socket_;
};

class InterceptedOnEach : public ServerTest, public ::testing::WithParamInterface<Transport> {
protected:
    InterceptedOnEach() { dispatcher.intercept(meddler); }

    /// Sends a call of the procedure; another one is answered before it.
    void expect_overtaken(std::uint32_t procedure) {
        options.network_threads = 1;
        start();
        Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
        const auto args = test::encoded(toy::Echo::Args{bytes_of("late")});
        auto slow = call_bytes({.xid = 1, .procedure = procedure});
        slow.insert(slow.end(), args.begin(), args.end());
        raw.call(slow);
        raw.call(call_bytes({.xid = 2}));
        EXPECT_EQ(xid_of(raw.reply()), 2U);
        EXPECT_EQ(xid_of(raw.reply()), 1U);
    }

    std::shared_ptr<Meddler> meddler = std::make_shared<Meddler>();
};

TEST_P(InterceptedOnEach, ADelayedCallHoldsUpNoOther) {
    meddler->delay_before = milliseconds{50};
    expect_overtaken(toy::Echo::id.number);
}

TEST_P(InterceptedOnEach, ADelayedCallOfAWorkersProcedureHoldsUpNoOther) {
    meddler->procedure = toy::EchoOnWorker::id.number;
    meddler->delay_before = milliseconds{50};
    expect_overtaken(toy::EchoOnWorker::id.number);
}

TEST_P(InterceptedOnEach, ADelayedReplyHoldsUpNoOther) {
    meddler->delay_after = milliseconds{50};
    expect_overtaken(toy::Echo::id.number);
}

TEST_P(InterceptedOnEach, ADelayedReplyOfAWorkerHoldsUpNoOther) {
    meddler->procedure = toy::EchoOnWorker::id.number;
    meddler->delay_after = milliseconds{50};
    expect_overtaken(toy::EchoOnWorker::id.number);
}

TEST_P(InterceptedOnEach, AReplyThatIsDroppedHasBeenExecuted) {
    meddler->procedure = toy::Count::id.number;
    meddler->act = Act::drop;
    start();
    Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
    raw.call(toy_call<toy::Count>({1}));
    raw.call(call_bytes({.xid = 2}));
    EXPECT_EQ(xid_of(raw.reply()), 2U);
    EXPECT_EQ(service.total, 1U);
    meddler->act = Act::send;
    raw.call(toy_call<toy::Count>({1}));
    EXPECT_EQ(results_of<toy::Count>(raw.reply()).total, 1U) << "remembered";
    EXPECT_EQ(service.total, 1U);
}

TEST_P(InterceptedOnEach, EveryCallThatWasSeenEndsWhenTheServerStops) {
    meddler->delay_before = std::chrono::hours{1};
    start();
    Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
    raw.call(toy_call<toy::Echo>({bytes_of("x")}));
    raw.call(call_bytes({.xid = 2}));
    EXPECT_EQ(xid_of(raw.reply()), 2U);
    std::ignore = server->stop(milliseconds{10});
    server.reset();
    EXPECT_EQ(meddler->begun, 2);
    EXPECT_EQ(meddler->ended, 2);
}

TEST_P(InterceptedOnEach, CopiesFollowTheReply) {
    meddler->copies = 2;
    start();
    Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
    for (const auto delay : {milliseconds{0}, milliseconds{5}}) {
        meddler->delay_after = delay;
        raw.call(toy_call<toy::Echo>({bytes_of("x")}));
        const auto first = raw.reply();
        EXPECT_EQ(first.size(), 32U);
        EXPECT_EQ(raw.reply(), first);
        EXPECT_EQ(raw.reply(), first);
        raw.call(call_bytes({.xid = 2}));
        EXPECT_EQ(xid_of(raw.reply()), 2U) << "three replies, no more";
    }
}

TEST_P(InterceptedOnEach, ACallBehindAGateWaitsUntilItIsOpen) {
    meddler->procedure = toy::Count::id.number;
    meddler->gate = std::make_shared<Gate>();
    start();
    Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
    raw.call(toy_call<toy::Count>({1}));
    raw.call(call_bytes({.xid = 2}));
    EXPECT_EQ(xid_of(raw.reply()), 2U);
    EXPECT_EQ(service.total, 0U);
    meddler->gate->open();
    EXPECT_EQ(results_of<toy::Count>(raw.reply()).total, 1U);
}

TEST_P(InterceptedOnEach, AFollowerSeesTheRestOfItsCall) {
    class Counting final : public Follower {
    public:
        void after(const Intercepted&, Ending, Reply& reply) override {
            ++ended;
            bytes = reply.bytes();
        }
        void leaving(const Intercepted&, Departure& departure) override {
            ++left;
            departure.act = Act::drop;
        }
        std::atomic<int> ended{0};
        std::atomic<int> left{0};
        std::atomic<std::size_t> bytes{0};
    };
    const auto counting = std::make_shared<Counting>();
    meddler->follower = counting;
    start();
    Caller raw{GetParam(), GetParam() == Transport::tcp ? tcp : udp};
    raw.call(toy_call<toy::Echo>({bytes_of("x")}));
    raw.call(call_bytes({.xid = 2}));
    EXPECT_EQ(xid_of(raw.reply()), 2U) << "the follower drops the other reply";
    EXPECT_EQ(counting->ended, 1);
    EXPECT_EQ(counting->left, 1);
    EXPECT_EQ(counting->bytes, 32U);
}

INSTANTIATE_TEST_SUITE_P(Transports, InterceptedOnEach,
                         ::testing::Values(Transport::tcp, Transport::udp), [](const auto& each) {
                             return each.param == Transport::tcp ? "Tcp" : "Udp";
                         });

class InterceptedOnTcp : public ServerTest {
protected:
    InterceptedOnTcp() { dispatcher.intercept(meddler); }

    std::shared_ptr<Meddler> meddler = std::make_shared<Meddler>();
};

TEST_F(InterceptedOnTcp, AConnectionCanBeClosedInsteadOfAReply) {
    meddler->act = Act::close;
    start();
    for (const auto delay : {milliseconds{0}, milliseconds{5}}) {
        meddler->delay_after = delay;
        RawClient raw{tcp};
        raw.call(toy_call<toy::Echo>({bytes_of("x")}));
        EXPECT_EQ(raw.socket.receive().size(), 0U);
    }
    EXPECT_TRUE(client().call<toy::Null>({}));
}

TEST_F(InterceptedOnTcp, AConnectionCanBeClosedBeforeTheCallRuns) {
    meddler->procedure = toy::Count::id.number;
    meddler->closes_at_call = true;
    start();
    for (const auto delay : {milliseconds{0}, milliseconds{5}}) {
        meddler->delay_before = delay;
        RawClient raw{tcp};
        raw.call(toy_call<toy::Count>({1}));
        EXPECT_EQ(raw.socket.receive().size(), 0U);
    }
    EXPECT_EQ(service.total, 0U);
    EXPECT_TRUE(client().call<toy::Null>({}));
}

TEST_F(InterceptedOnTcp, AConnectionThatDrainsWaitsForDelayedCallsAndReplies) {
    meddler->delay_before = milliseconds{20};
    meddler->delay_after = milliseconds{20};
    start();
    RawClient raw{tcp};
    raw.call(toy_call<toy::Echo>({bytes_of("x")}));
    EXPECT_TRUE(becomes_true([&] { return meddler->begun == 1; }));
    EXPECT_TRUE(server->stop(long_enough));
    EXPECT_EQ(xid_of(raw.reply()), 0x11223344U);
}

TEST_F(InterceptedOnTcp, AClientThatGoesWhileItsCallIsDelayedHarmsNobody) {
    meddler->delay_before = milliseconds{30};
    meddler->procedure = toy::CountOnWorker::id.number;
    start();
    {
        RawClient raw{tcp};
        raw.call(toy_call<toy::CountOnWorker>({1}));
        EXPECT_TRUE(becomes_true([&] { return meddler->begun == 1; }));
    }
    EXPECT_TRUE(becomes_true([&] { return service.total == 1; })) << "it was sent, so it runs";
    EXPECT_TRUE(becomes_true([&] { return server->statistics().connections == 0; }));
    EXPECT_TRUE(client().call<toy::Null>({}));
}

}  // namespace
}  // namespace berth::rpc
