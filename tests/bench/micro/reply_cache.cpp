// What remembering replies costs: of new calls, with the cache full as it is after a minute under
// load; of a duplicate; and of the checksum that tells calls apart.
#include "rpc/reply_cache.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include <benchmark/benchmark.h>

#include "tests/bench/micro/allocated.hpp"

namespace berth::bench {

namespace {

constexpr std::size_t reply_bytes = 260;  // of a CREATE
constexpr std::size_t cache_bytes = std::size_t{8} << 20;
constexpr std::uint32_t calls_that_fill = 100'000;

rpc::CallKey key(std::uint32_t xid) {
    return {.caller = *rpc::Address::parse("192.0.2.7"),
            .xid = xid,
            .program = 100003,
            .version = 3,
            .procedure = 8,
            .body_bytes = 200,
            .body_checksum = xid * std::uint64_t{0xd6e8feb86659fd93}};
}

void remember(rpc::ReplyCache& cache, const rpc::CallKey& call) {
    cache.begin(call, nullptr);
    static const std::vector<std::byte> reply(reply_bytes);
    cache.finish(call, reply);
}

/// One for all threads, full.
rpc::ReplyCache& full_cache() {
    static rpc::ReplyCache cache{{.bytes_max = cache_bytes}};
    static const bool is_full = [] {
        for (std::uint32_t xid = 1; xid <= calls_that_fill; ++xid) remember(cache, key(xid));
        return cache.statistics().entries < calls_that_fill;
    }();
    return is_full ? cache : throw std::runtime_error("the cache did not fill");
}

void remember_new_call(benchmark::State& state) {
    auto& cache = full_cache();
    auto call = key(0);
    static std::atomic<std::uint32_t> runs{0};
    call.procedure = 100 + ++runs;  // no run sees calls of another one
    const Allocated allocated{state};
    for (auto _ : state) {
        ++call.xid;
        call.body_checksum += 0xd6e8feb86659fd93;
        remember(cache, call);
    }
    state.SetItemsProcessed(state.iterations());
}

void answer_duplicate(benchmark::State& state) {
    rpc::ReplyCache cache{{}};
    const auto call = key(1);
    remember(cache, call);
    const Allocated allocated{state};
    for (auto _ : state) {
        const auto begun = cache.begin(call, nullptr);
        if (begun.seen != rpc::ReplyCache::Seen::answered) state.SkipWithError("not remembered");
    }
    state.SetItemsProcessed(state.iterations());
}

void checksum(benchmark::State& state) {
    const std::vector<std::byte> body(static_cast<std::size_t>(state.range(0)), std::byte{7});
    for (auto _ : state) benchmark::DoNotOptimize(rpc::body_checksum(body));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(remember_new_call)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(answer_duplicate);
BENCHMARK(checksum)->Arg(200)->Arg(4096)->Arg(1 << 20);

}  // namespace

}  // namespace berth::bench
