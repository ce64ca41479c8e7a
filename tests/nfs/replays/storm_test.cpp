// Replies remembered, proven: whatever the network loses, delays and repeats, each changing call
// runs exactly once and gets the answer of that one run. Two clients at a time, at one address,
// with the same xids. BERTH_SEED repeats a run; LONG_TESTS makes it one of 100,000 calls.
#include "tests/nfs/replays/storm.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "rpc/server.hpp"
#include "tests/nfs/replays/player.hpp"
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using rpc::Transport;

std::uint64_t chosen_seed() {
    const char* given = std::getenv("BERTH_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

std::uint64_t calls_of_each() {
    const char* is_long = std::getenv("LONG_TESTS");
    return is_long != nullptr && *is_long != '\0' ? 50'000 : 2'000;
}

/// Counts the runs of procedures that must not run twice.
class Runs final : public rpc::Interceptor {
public:
    rpc::Decision before(const rpc::Intercepted& call) override {
        const bool runs = call.arrival() == rpc::Arrival::to_run;
        if (runs && call.call().procedure.replay == Replay::remember) ++count;
        return rpc::Decision::go_on();
    }

    std::atomic<std::uint64_t> count{0};
};

class Storm : public ServiceTest, public ::testing::WithParamInterface<Transport> {
protected:
    Storm() { dispatcher_.intercept(runs); }

    void SetUp() override {
        const rpc::Endpoint any_port{.address = *rpc::Address::parse("127.0.0.1"), .port = 0};
        const std::array<rpc::Server::Binding, 1> wanted{{{GetParam(), any_port}}};
        const auto bound = server.listen(wanted, dispatcher_);
        ASSERT_TRUE(bound);
        address = bound->front().endpoint;
        server.start();
    }

    /// /tree answers a change when it is on disk, on a worker; /async at once, on the thread that
    /// read the call.
    KeptHandle reseal(const KeptHandle& handle, bool is_synchronous) {
        return through(is_synchronous ? "/tree" : "/async", handle);
    }

    void play(const std::string& name, std::uint64_t client_seed) {
        constexpr std::uint32_t first_xid = 1;
        constexpr std::uint64_t calls_between_looks = 500;
        auto made = std::make_unique<StormChannel>(GetParam(), address, client_seed, first_xid);
        auto& channel = *made;
        std::uint64_t steps = 0;
        try {
            rpc::Client client{std::move(made), program, {.flavor = rpc::AuthFlavor::sys}};
            Player player{client, root(), name, client_seed,
                          [this](const KeptHandle& handle, bool is_synchronous) {
                              return reseal(handle, is_synchronous);
                          }};
            while (player.changes() < calls_of_each()) {
                player.step();
                if (++steps % calls_between_looks == 0) player.verify();
            }
            channel.calm();
            player.verify();
            answered += player.changes();
        } catch (const std::exception& error) {
            ADD_FAILURE() << "BERTH_SEED=" << seed << ", client " << name << ", step " << steps
                          << ": " << error.what();
        }
    }

    const std::uint64_t seed = chosen_seed();
    std::shared_ptr<Runs> runs = std::make_shared<Runs>();
    rpc::Server server{{.network_threads = 2, .workers = 4}};
    rpc::Endpoint address;
    std::atomic<std::uint64_t> answered{0};
};

TEST_P(Storm, EachCallRunsOnceAndHasOneAnswer) {
    std::cout << "BERTH_SEED=" << seed << '\n';
    std::thread other{[this] { play("other", seed + 1); }};
    play("one", seed);
    other.join();
    // Every call that ran is one that was answered, so none ran twice.
    EXPECT_TRUE(HasFailure() || runs->count == answered)
        << "BERTH_SEED=" << seed << ": " << runs->count << " runs of " << answered << " calls";
    const auto statistics = dispatcher_.reply_cache().statistics();
    std::cout << runs->count << " calls run, " << statistics.hits << " copies answered again, "
              << statistics.dropped << " copies dropped while the call ran\n";
    EXPECT_GT(statistics.hits, 0U);
    EXPECT_EQ(statistics.misses, runs->count);
    EXPECT_TRUE(server.stop(test::patience));
}

INSTANTIATE_TEST_SUITE_P(Over, Storm, ::testing::Values(Transport::udp, Transport::tcp),
                         [](const auto& tested) {
                             return std::string{tested.param == Transport::udp ? "Udp" : "Tcp"};
                         });

}  // namespace
}  // namespace berth::nfs
