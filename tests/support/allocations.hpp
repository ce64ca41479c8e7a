// Counts what the test program takes from the heap. A program that calls any of this has its
// `operator new` replaced.
#pragma once

#include <cstddef>
#include <new>
#include <string>

#include <gtest/gtest.h>

namespace berth::test {

/// What this thread has allocated since the last call of forget_allocations().
struct Allocations {
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::size_t largest = 0;
};
Allocations allocations() noexcept;
void forget_allocations() noexcept;

/// From now on the `nth` allocation of this thread, counted from 0, fails once with std::bad_alloc.
void fail_allocation(std::size_t nth) noexcept;
/// None fails any more. Whether one has.
bool stop_failing() noexcept;

/// Does `work` over and over, and each time another of its allocations fails, from the first to the
/// last; std::bad_alloc is caught. After each time, `check` looks at what is left.
template <class Work, class Check>
void fail_each_allocation(Work work, Check check) {
    constexpr std::size_t allocations_max = 2000;
    for (std::size_t turn = 0;; ++turn) {
        ASSERT_LT(turn, allocations_max);
        const testing::ScopedTrace trace{__FILE__, __LINE__,
                                         "allocation " + std::to_string(turn) + " fails"};
        fail_allocation(turn);
        try {
            work();
        } catch (const std::bad_alloc&) {
        }
        const bool has_failed = stop_failing();
        check();
        if (!has_failed) break;
    }
}

}  // namespace berth::test
