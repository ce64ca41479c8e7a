// How often the measured code takes memory from the heap per turn, as a column of the benchmark's
// line.
#pragma once

#include <cmath>

#include <benchmark/benchmark.h>

#include "tests/support/allocations.hpp"

namespace berth::bench {

/// Counts from construction on; it goes between the preparation and the loop.
class Allocated {
public:
    explicit Allocated(benchmark::State& state) : state_(state) { test::forget_allocations(); }
    Allocated(const Allocated&) = delete;
    Allocated& operator=(const Allocated&) = delete;
    ~Allocated() {
        // The loop itself allocates once or twice in all.
        const auto turns = static_cast<double>(state_.iterations());
        const double each = static_cast<double>(test::allocations().count) / turns;
        state_.counters["allocations"] =
            benchmark::Counter(std::round(each * 100) / 100, benchmark::Counter::kAvgThreads);
    }

private:
    benchmark::State& state_;
};

}  // namespace berth::bench
