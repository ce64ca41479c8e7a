// The steady path allocates nothing: not the handlers over real files, not the dispatcher, not the
// connection. What must allocate, says how much and why.
#include "tests/support/allocations.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nfs/vfs/posix.hpp"
#include "rpc/server.hpp"
#include "tests/nfs/support.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/rpc/raw_client.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nfs {
namespace {

using Bytes = std::vector<std::byte>;

/// On each thread that answers calls: what was allocated between the ends of the last two calls.
/// That is the sending of the one reply and everything of the next call.
class Allocations final : public rpc::Interceptor {
public:
    void after(const rpc::Intercepted&, rpc::Ending, rpc::Reply&) override {
        of_last_call = test::allocations().count;
        test::forget_allocations();
    }

    std::atomic<std::size_t> of_last_call{0};
};

class SteadyPath : public ::testing::Test {
protected:
    SteadyPath() {
        dispatcher.add(rpc::make_program(program, service));
        const auto node = exports.pin()->all().front().files->root();
        root = sealer.seal(exports.pin()->all().front().id, (*node)->id()).bytes();
        const auto made = vfs::Caller{};
        const auto created = (*node)->create(made, "file", {.attributes = {.mode = 0644}});
        file = sealer.seal(exports.pin()->all().front().id, (*created)->id()).bytes();
        EXPECT_TRUE((*created)->write(made, 0, data));
    }

    template <class Procedure>
    Bytes call(const typename Procedure::Args& args) {
        return rpc::call_bytes({.xid = ++xid,
                                .program = program.number,
                                .version = program.version,
                                .procedure = Procedure::id.number,
                                .flavor = rpc::AuthFlavor::sys,
                                .credential = rpc::auth_sys(0, 0, {100, 200})},
                               args);
    }

    /// In turn.
    Bytes create_or_remove() {
        is_there = !is_there;
        const auto where = entry(root, "new");
        if (!is_there) return call<Remove>({where});
        return call<Create>({where, Create::How::make<CreateMode::guarded>(NewAttributes{})});
    }

    struct Steady {
        std::string name;
        std::function<Bytes()> make_call;
        std::size_t allocations_max = 0;
    };
    std::vector<Steady> all() {
        // What the reply cache keeps until long after the call: the entry, its place among the
        // oldest, the reply and who shares it. And now and then a table that has to grow.
        constexpr std::size_t remembered = 4 + 1;
        // What keeps a new object open: its node, and that one's place in two orders.
        constexpr std::size_t new_object = 3 + 1;
        return {
            {"NULL", [this] { return call<Null>({}); }},
            {"GETATTR", [this] { return call<GetAttributes>({file}); }},
            {"ACCESS",
             [this] {
                 return call<Access>({file, 0x3F});
             }},
            {"LOOKUP", [this] { return call<Lookup>({entry(root, "file")}); }},
            {"READ",
             [this] {
                 return call<Read>({file, 0, 4096});
             }},
            {"WRITE",
             [this] {
                 return call<Write>({.file = file,
                                     .count = 4096,
                                     .stable = Stable::unstable,
                                     .data = std::span<const std::byte>{data}});
             },
             remembered},
            {"CREATE and REMOVE", [this] { return create_or_remove(); }, remembered + new_object},
        };
    }

    static void expect_success(std::span<const std::byte> reply, const std::string& name) {
        constexpr std::size_t header_bytes = 24;
        ASSERT_GE(reply.size(), header_bytes) << name;
        if (name == "NULL") return;
        EXPECT_EQ(xdr::Reader{reply.subspan(header_bytes)}.u32(), 0U) << name;
    }

    test::TemporaryDirectory directory;
    exports::Exports exports{{exports::make_export(
        "/tree",
        std::shared_ptr<vfs::FileSystem>{vfs::posix::open(directory.path().string()).value()},
        {.squash = exports::Squash::none, .sync = false})}};
    exports::HandleSealer sealer{exports::HandleKey::random()};
    Service service{exports, sealer, {}};
    rpc::Dispatcher dispatcher;
    std::shared_ptr<Allocations> allocations = std::make_shared<Allocations>();
    KeptHandle root;
    KeptHandle file;
    Bytes data = Bytes(4096, std::byte{7});
    std::uint32_t xid = 0;
    bool is_there = false;
};

constexpr int warm_up = 100;
constexpr int measured_calls = 1000;

TEST_F(SteadyPath, DispatcherOverRealFiles) {
    rpc::BlockPool pool{std::size_t{1} << 20};
    rpc::Exchange exchange{&pool};
    for (const auto& steady : all()) {
        for (int i = 0; i < warm_up + measured_calls; ++i) {
            const auto request = steady.make_call();
            test::forget_allocations();
            exchange.request = request;
            exchange.call.caller = rpc::endpoint("127.0.0.1");
            auto verdict = dispatcher.handle(exchange);
            if (verdict == rpc::Verdict::guarded) verdict = dispatcher.attempt(exchange);
            const auto count = test::allocations().count;
            if (i < warm_up && verdict == rpc::Verdict::worker)
                verdict = dispatcher.finish(exchange);  // not in memory yet
            ASSERT_EQ(verdict, rpc::Verdict::reply) << steady.name;
            if (i >= warm_up) {
                ASSERT_LE(count, steady.allocations_max) << steady.name << ", call " << i;
            }
            expect_success(exchange.reply.flat(), steady.name);
            exchange.reset();
        }
    }
}

TEST_F(SteadyPath, OverTcp) {
    dispatcher.intercept(allocations);
    rpc::Server server{{.network_threads = 1, .workers = 1}};
    const std::array<rpc::Server::Binding, 1> wanted{
        {{rpc::Transport::tcp, rpc::endpoint("127.0.0.1", 0)}}};
    const auto bound = server.listen(wanted, dispatcher);
    ASSERT_TRUE(bound);
    server.start();
    rpc::RawClient client{bound->front().endpoint};
    for (const auto& steady : all()) {
        int exceptions = 0;
        for (int i = 0; i < warm_up + measured_calls; ++i) {
            client.call(steady.make_call());
            expect_success(client.reply(), steady.name);
            if (i >= warm_up && allocations->of_last_call > steady.allocations_max) ++exceptions;
        }
        // A network thread that a slow machine holds up is taken over from, which is not for
        // nothing.
        EXPECT_LE(exceptions, measured_calls / 50) << steady.name;
    }
    EXPECT_TRUE(server.stop(test::patience));
}

}  // namespace
}  // namespace berth::nfs
