// What a call costs from its bytes to the bytes of its reply, over a tree in RAM: dispatcher,
// table, handler, codec; no socket and no system call for the file. Threads share all of it, as
// network threads do.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/protocol.hpp"
#include "nfs/service.hpp"
#include "nfs/vfs/memory.hpp"
#include "rpc/dispatcher.hpp"
#include "rpc/message.hpp"
#include "tests/bench/micro/allocated.hpp"
#include "tests/bench/micro/calls.hpp"
#include "xdr/codec.hpp"

namespace berth::bench {

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::array<std::byte, exports::HandleKey::size> key{std::byte{1}, std::byte{2}};
constexpr std::string_view file_name = "file";

/// Everything behind the transports, with an export "/tree" that holds one file.
class Server {
public:
    Server() {
        dispatcher_.add(rpc::make_program(nfs::program, service_));
        nfs::NewAttributes wanted;
        wanted.mode = 0644;
        const auto reply = answer(call_of<nfs::Create>(
            {.where = {root_.bytes(), file_name},
             .how = nfs::Create::How::make<nfs::CreateMode::guarded>(wanted)}));
        xdr::Reader in{reply};
        rpc::Message header;
        nfs::Create::Result result;
        xdr::decode(in, header);
        xdr::decode(in, result);
        if (result.ok() == nullptr) throw std::runtime_error("no file");
        file_ = exports::Handle{result.ok()->object->bytes()};
    }

    /// Makes the call in the exchange, with all passes that it needs; the reply is there.
    void run(rpc::Exchange& exchange, std::span<const std::byte> request) {
        exchange.reset();
        exchange.request = request;
        exchange.call.caller = {.address = *rpc::Address::parse("192.0.2.7"), .port = 800};
        exchange.call.local = {.address = *rpc::Address::parse("192.0.2.1"), .port = 2049};
        auto verdict = dispatcher_.handle(exchange);
        if (verdict == rpc::Verdict::guarded) verdict = dispatcher_.attempt(exchange);
        if (verdict == rpc::Verdict::worker) verdict = dispatcher_.finish(exchange);
        if (verdict != rpc::Verdict::reply) throw std::runtime_error("no reply");
    }

    [[nodiscard]] nfs::FileHandle root() const { return root_.bytes(); }
    [[nodiscard]] nfs::FileHandle file() const { return file_.bytes(); }

private:
    Bytes answer(const Bytes& request) {
        rpc::Exchange exchange;
        run(exchange, request);
        return exchange.reply.flat();
    }

    std::shared_ptr<vfs::FileSystem> files_ = vfs::memory::make();
    exports::Exports exports_{
        {exports::make_export("/tree", files_, {.squash = exports::Squash::none, .sync = false})}};
    exports::HandleSealer sealer_{exports::HandleKey{key}};
    nfs::Service service_{exports_, sealer_, {.write_verifier = 1}};
    rpc::Dispatcher dispatcher_;
    exports::Handle root_ = sealer_.seal(exports_.pin()->all().front().id, (*files_->root())->id());
    exports::Handle file_;
};

Server& server() {
    static Server one;
    return one;
}

constexpr std::size_t status_at = 24;  // in a reply: after xid, REPLY, accepted, verifier, success

/// Makes the call again and again. `Fresh`: with a new xid each time, or a remembered reply would
/// be all that is measured.
template <bool Fresh = false>
void dispatch(benchmark::State& state, Bytes request, std::size_t reply_bytes_min) {
    auto& serving = server();
    rpc::Exchange exchange;
    serving.run(exchange, request);
    const auto reply = exchange.reply.flat();
    const bool is_good = reply.size() >= reply_bytes_min &&
                         (reply.size() == status_at || reply[status_at + 3] == std::byte{0});
    if (!is_good) state.SkipWithError("a reply that is not good");
    static std::atomic<std::uint32_t> runs{0};
    std::uint32_t xid = ++runs << 24;  // no run sees xids of another one
    const Allocated allocated{state};
    for (auto _ : state) {
        if constexpr (Fresh) {
            ++xid;
            std::memcpy(request.data(), &xid, sizeof xid);
        }
        serving.run(exchange, request);
        benchmark::DoNotOptimize(exchange.reply);
    }
    state.SetItemsProcessed(state.iterations());
}

constexpr std::size_t attributes_bytes = 84;

void dispatch_null(benchmark::State& state) {
    dispatch(state, call_of<rpc::Null>({}), status_at);
}

void dispatch_getattr(benchmark::State& state) {
    dispatch(state, call_of<nfs::GetAttributes>({server().file()}),
             status_at + 4 + attributes_bytes);
}

void dispatch_lookup(benchmark::State& state) {
    dispatch(state, call_of<nfs::Lookup>({{server().root(), file_name}}),
             status_at + 4 + 2 * attributes_bytes);
}

/// Its reply is remembered.
void dispatch_setattr(benchmark::State& state) {
    nfs::NewAttributes wanted;
    wanted.mode = 0640;
    dispatch<true>(state, call_of<nfs::SetAttributes>({server().file(), wanted, {}}),
                   status_at + 4 + attributes_bytes);
}

BENCHMARK(dispatch_null)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(dispatch_getattr)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(dispatch_lookup)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(dispatch_setattr)->ThreadRange(1, 2)->UseRealTime();

}  // namespace

}  // namespace berth::bench
