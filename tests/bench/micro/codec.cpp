// What encoding and decoding of common calls and results cost, without anything around it.
#include "xdr/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "nfs/protocol.hpp"
#include "rpc/message.hpp"
#include "tests/bench/micro/allocated.hpp"
#include "tests/bench/micro/calls.hpp"
#include "tests/support/bytes.hpp"

namespace berth::bench {

namespace {

constexpr std::array<std::byte, 40> handle_bytes{};
const nfs::FileHandle handle{handle_bytes};

nfs::Attributes attributes() {
    return {.mode = 0644, .links = 1, .size = 4096, .used = 4096, .fsid = 1, .fileid = 2};
}

template <class T>
void decode(benchmark::State& state, const std::vector<std::byte>& bytes) {
    const Allocated allocated{state};
    for (auto _ : state) {
        xdr::Reader in{bytes};
        T value{};
        xdr::decode(in, value);
        benchmark::DoNotOptimize(value);
        if (!in.ok() || !in.rest().empty()) state.SkipWithError("not decoded");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

template <class T>
void encode(benchmark::State& state, const T& value) {
    xdr::Writer out;
    xdr::encode(out, value);
    const std::size_t size = out.size();
    const Allocated allocated{state};
    for (auto _ : state) {
        out.clear();
        xdr::encode(out, value);
        benchmark::DoNotOptimize(out);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

void decode_call_header(benchmark::State& state) {
    decode<rpc::Message>(state, call_header(nfs::GetAttributes::id.number));
}

void decode_read_arguments(benchmark::State& state) {
    decode<nfs::Read::Args>(state, test::encoded(nfs::Read::Args{handle, 65536, 4096}));
}

void decode_write_arguments_64k(benchmark::State& state) {
    const std::vector<std::byte> data(65536);
    decode<nfs::Write::Args>(
        state, test::encoded(nfs::Write::Args{
                   .file = handle, .count = 65536, .data = std::span<const std::byte>{data}}));
}

void encode_getattr_results(benchmark::State& state) {
    encode(state, nfs::GetAttributes::Result{nfs::GetAttributes::Ok{attributes()}});
}

void encode_read_results_64k(benchmark::State& state) {
    const std::vector<std::byte> data(65536);
    encode(state, nfs::Read::Result{nfs::Read::Ok{.attributes = attributes(),
                                                  .count = 65536,
                                                  .data = std::span<const std::byte>{data}}});
}

void encode_readdirplus_results(benchmark::State& state) {
    std::vector<std::string> names;
    for (int i = 0; i < state.range(0); ++i) names.push_back("entry-" + std::to_string(100000 + i));
    nfs::ReadDirectoryPlus::Ok results{.attributes = attributes()};
    for (const auto& name : names) {
        auto& item = results.entries.items.emplace_back();
        item.name = std::string_view{name};
        item.attributes = attributes();
        item.object = handle;
    }
    encode(state, nfs::ReadDirectoryPlus::Result{std::move(results)});
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(decode_call_header);
BENCHMARK(decode_read_arguments);
BENCHMARK(decode_write_arguments_64k);
BENCHMARK(encode_getattr_results);
BENCHMARK(encode_read_results_64k);
BENCHMARK(encode_readdirplus_results)->Arg(500);

}  // namespace

}  // namespace berth::bench
