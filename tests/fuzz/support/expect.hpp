// What a fuzz target demands of the code under it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace berth::fuzz {

/// Ends the process when it is not so: the input is then a finding. (Clang 14 has no
/// std::source_location yet.)
inline void expect(bool is_so, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (is_so) return;
    std::fprintf(stderr, "%s:%d: not as expected\n", file, line);
    std::abort();
}

inline std::span<const std::byte> input(const std::uint8_t* data, std::size_t size) {
    return std::as_bytes(std::span{data, size});
}

}  // namespace berth::fuzz
