// Counts what the test program takes from the heap. A program that calls any of this has its
// `operator new` replaced.
#pragma once

#include <cstddef>

namespace berth::test {

/// What this thread has allocated since the last call of forget_allocations().
struct Allocations {
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::size_t largest = 0;
};
Allocations allocations() noexcept;
void forget_allocations() noexcept;

}  // namespace berth::test
