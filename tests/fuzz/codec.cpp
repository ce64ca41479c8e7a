// Any bytes for any wire type: what decodes encodes again to the same bytes, but for padding, which
// becomes zero; and that decodes to itself.
//
// Input: one byte that chooses the types, by their names; then the bytes.
#include <string_view>

#include "tests/fuzz/support/expect.hpp"
#include "tests/fuzz/support/tables.hpp"

namespace berth::fuzz {
namespace {

void check(spec::Codec codec, std::span<const std::byte> bytes) {
    const auto decoded = codec(bytes);
    if (!decoded.ok) return;
    expect(decoded.left_bytes <= bytes.size());
    const auto taken = bytes.first(bytes.size() - decoded.left_bytes);
    expect(decoded.again.size() == taken.size());
    expect(decoded.counted_bytes == taken.size());
    bool is_same = true;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        is_same = is_same && decoded.again[i] == taken[i];
        expect(decoded.again[i] == taken[i] || decoded.again[i] == std::byte{0});
    }
    if (is_same) return;
    const auto again = codec(decoded.again);
    expect(again.ok && again.left_bytes == 0 && again.again == decoded.again);
}

// FNV-1a, folded.
std::byte choice_of(std::string_view name) {
    std::uint32_t hash = 2166136261;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    return static_cast<std::byte>((hash >> 24 ^ hash >> 16 ^ hash >> 8 ^ hash) & 0xFF);
}

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    if (size == 0) return 0;
    const auto chosen = fuzz::input(data, size).front();
    const auto bytes = fuzz::input(data, size).subspan(1);
    for (const auto& specification : fuzz::specifications()) {
        for (const auto& line : specification.types)
            if (fuzz::choice_of(line.name) == chosen) fuzz::check(line.codec, bytes);
        for (const auto& line : specification.procedures) {
            if (fuzz::choice_of(line.name) != chosen) continue;
            fuzz::check(line.arguments, bytes);
            fuzz::check(line.results, bytes);
        }
    }
    return 0;
}
