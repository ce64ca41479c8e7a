// Lack of memory, wherever it shows in a procedure: the call fails or succeeds, and nothing is left
// behind: no lock, no descriptor, no caller's identity, no call in progress.
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <sys/fsuid.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/posix.hpp"
#include "tests/nfs/every_procedure.hpp"
#include "tests/rpc/calls.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nfs {
namespace {

using Bytes = std::vector<std::byte>;

std::size_t descriptors_open() {
    const boost::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// One export of either kind, called by a user of its own.
class Shortage : public ::testing::TestWithParam<bool> {
protected:
    Shortage() { dispatcher.add(rpc::make_program(program, service)); }

    std::shared_ptr<vfs::FileSystem> make_tree() {
        boost::filesystem::permissions(directory.path(), boost::filesystem::perms::all_all);
        if (!GetParam()) return vfs::memory::make({});
        return vfs::posix::open(directory.path().string(), {.nodes_max = nodes_max}).value();
    }
    static Bytes call(std::uint32_t xid, std::uint32_t procedure, std::span<const std::byte> args) {
        auto bytes = rpc::call_bytes({.xid = xid,
                                      .program = program.number,
                                      .version = program.version,
                                      .procedure = procedure,
                                      .flavor = rpc::AuthFlavor::sys,
                                      .credential = rpc::auth_sys(1000, 1000, {1000, 1001})});
        bytes.insert(bytes.end(), args.begin(), args.end());
        return bytes;
    }
    template <class Procedure>
    Bytes call_of(const typename Procedure::Args& args) {
        xdr::Writer encoded;
        xdr::encode(encoded, args);
        return call(++xid, Procedure::id.number, encoded.flat());
    }
    void answer(rpc::Exchange& exchange, const Bytes& request) {
        exchange.request = request;
        exchange.call.caller = {.address = *rpc::Address::parse("192.0.2.7"), .port = 800};
        auto verdict = dispatcher.handle(exchange);
        if (verdict == rpc::Verdict::guarded) verdict = dispatcher.attempt(exchange);
        if (verdict == rpc::Verdict::worker) dispatcher.finish(exchange);
    }
    template <class Procedure>
    typename Procedure::Result result_of(const Bytes& request) {
        rpc::Exchange exchange;
        answer(exchange, request);
        last_reply = exchange.reply.flat();
        rpc::Reply reply{exchange};
        EXPECT_EQ(reply.accept_status(), rpc::AcceptStatus::success) << Procedure::id.name;
        return rpc::results_of<Procedure>(last_reply);
    }
    /// A directory of the user's own with a file "name" in it.
    KeptHandle make_place() {
        vfs::Caller owner;
        owner.identity.uid = owner.identity.gid = 1000;
        const auto made = (*tree->root())
                              ->make_directory({}, "place " + std::to_string(++places),
                                               {.mode = 0777, .uid = 1000, .gid = 1000})
                              .value();
        const auto file = made->create(owner, "name", {.attributes = {.mode = 0666}}).value();
        file_in_place =
            sealer.seal(exports.pin()->all().front().id, file->id(), file->way()).bytes();
        return sealer.seal(exports.pin()->all().front().id, made->id(), made->way()).bytes();
    }
    /// Has each allocation of the call fail in its turn.
    template <class Procedure, class Make>
    void expect_nothing_left(Make make) {
        const auto descriptors = descriptors_open();
        bool is_over = false;
        for (std::size_t turn = 0; !is_over; ++turn) {
            ASSERT_LT(turn, 1000U);
            const auto place = make_place();
            const auto request = call_of<Procedure>(make(place, file_in_place));
            {
                rpc::Exchange exchange;
                test::fail_allocation(turn);
                try {
                    answer(exchange, request);
                } catch (const std::bad_alloc&) {  // ends the connection
                }
                is_over = !test::stop_failing();
            }
            // Where the thread is taken for the server again, it is.
            EXPECT_EQ(::setfsuid(0xFFFFFFFF), 0) << Procedure::id.name << ", allocation " << turn;
            // The same bytes, then others: as clients do that have had no answer.
            result_of<Procedure>(request);
            result_of<Procedure>(call_of<Procedure>(make(place, file_in_place)));
        }
        tree->sweep();
        EXPECT_LE(descriptors_open(), descriptors + 4 * nodes_max + 4) << Procedure::id.name;
    }

    // Each has four descriptors at most.
    static constexpr std::size_t nodes_max = 4;

    test::TemporaryDirectory directory;
    std::shared_ptr<vfs::FileSystem> tree = make_tree();
    exports::Exports exports{{exports::make_export("/tree", tree)}};
    exports::HandleSealer sealer{exports::HandleKey::random()};
    Service service{exports, sealer, {}};
    rpc::Dispatcher dispatcher;
    KeptHandle file_in_place;  // of the latest place
    Bytes last_reply;
    std::uint32_t xid = 0;
    int places = 0;
};

TEST_P(Shortage, OfAProcedureThatAsks) {
    expect_nothing_left<GetAttributes>(
        [](const auto& place, const auto&) { return GetAttributes::Args{place}; });
    expect_nothing_left<Lookup>(
        [](const auto& place, const auto&) { return Lookup::Args{entry(place, "name")}; });
    expect_nothing_left<Access>([](const auto& place, const auto&) {
        return Access::Args{place, 0x3F};
    });
    expect_nothing_left<Read>(
        [](const auto&, const auto& file) { return Read::Args{.file = file, .count = 100}; });
    expect_nothing_left<ReadDirectory>([](const auto& place, const auto&) {
        return ReadDirectory::Args{.directory = place, .count = 4096};
    });
    expect_nothing_left<ReadDirectoryPlus>([](const auto& place, const auto&) {
        return ReadDirectoryPlus::Args{
            .directory = place, .directory_count = 4096, .count_max = 4096};
    });
    expect_nothing_left<FileSystemStatus>(
        [](const auto& place, const auto&) { return FileSystemStatus::Args{place}; });
    expect_nothing_left<FileSystemInfo>(
        [](const auto& place, const auto&) { return FileSystemInfo::Args{place}; });
    expect_nothing_left<PathConfiguration>(
        [](const auto& place, const auto&) { return PathConfiguration::Args{place}; });
    expect_nothing_left<Commit>(
        [](const auto&, const auto& file) { return Commit::Args{.file = file}; });
}

TEST_P(Shortage, OfAProcedureThatChangesAttributesOrData) {
    expect_nothing_left<SetAttributes>(
        [](const auto& place, const auto&) { return SetAttributes::Args{.object = place}; });
    expect_nothing_left<Write>([](const auto&, const auto& file) {
        return Write::Args{.file = file, .count = 4, .data = data_of("data")};
    });
}

TEST_P(Shortage, OfAProcedureThatMakesSomething) {
    for (const auto mode : {CreateMode::unchecked, CreateMode::exclusive})
        expect_nothing_left<Create>([&](const auto& place, const auto&) {
            return Create::Args{entry(place, "new"),
                                mode == CreateMode::exclusive
                                    ? Create::How::make<CreateMode::exclusive>()
                                    : Create::How::make<CreateMode::unchecked>()};
        });
    expect_nothing_left<MakeDirectory>([](const auto& place, const auto&) {
        return MakeDirectory::Args{.where = entry(place, "new")};
    });
    expect_nothing_left<MakeSymbolicLink>([](const auto& place, const auto&) {
        return MakeSymbolicLink::Args{
            .where = entry(place, "new"), .attributes = {}, .target = std::string_view{"target"}};
    });
    expect_nothing_left<MakeNode>([](const auto& place, const auto&) {
        return MakeNode::Args{.where = entry(place, "new"),
                              .what = MakeNode::What::make<FileType::fifo>()};
    });
    expect_nothing_left<Link>([](const auto& place, const auto& file) {
        return Link::Args{file, entry(place, "new")};
    });
}

TEST_P(Shortage, OfAProcedureThatTakesSomethingAway) {
    expect_nothing_left<Remove>(
        [](const auto& place, const auto&) { return Remove::Args{entry(place, "name")}; });
    expect_nothing_left<RemoveDirectory>(
        [](const auto& place, const auto&) { return RemoveDirectory::Args{entry(place, "name")}; });
    expect_nothing_left<Rename>([](const auto& place, const auto&) {
        return Rename::Args{entry(place, "name"), entry(place, "new")};
    });
}

INSTANTIATE_TEST_SUITE_P(Trees, Shortage, ::testing::Bool(),
                         [](const auto& each) { return each.param ? "Posix" : "Memory"; });

}  // namespace
}  // namespace berth::nfs
