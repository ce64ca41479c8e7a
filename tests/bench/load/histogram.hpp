// Durations, counted in buckets that are 1/64 wide of what they hold: percentiles of any number of
// calls in a fixed amount of memory. One thread's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace berth::bench {

class Histogram {
public:
    void add(std::uint64_t ns) {
        ++buckets_[bucket_of(ns)];
        ++count_;
        max_ = std::max(max_, ns);
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double max_us() const { return static_cast<double>(max_) / 1e3; }

    /// The duration that `fraction` of all do not exceed, in microseconds; 0 when there are none.
    [[nodiscard]] double percentile_us(double fraction) const {
        auto left = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
        if (left == 0) return 0;
        for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
            if (buckets_[bucket] >= left) return static_cast<double>(middle_of(bucket)) / 1e3;
            left -= buckets_[bucket];
        }
        return max_us();
    }

private:
    static constexpr unsigned fine_bits = 6;
    static constexpr std::uint64_t fine = 1 << fine_bits;

    static std::size_t bucket_of(std::uint64_t ns) {
        if (ns < fine) return ns;
        const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - fine_bits;
        return (shift + 1) * fine + ((ns >> shift) - fine);
    }
    static std::uint64_t middle_of(std::size_t bucket) {
        if (bucket < fine) return bucket;
        const std::size_t shift = bucket / fine - 1;
        return ((bucket % fine + fine) << shift) + ((std::uint64_t{1} << shift) / 2);
    }

    std::array<std::uint64_t, (64 - fine_bits + 1) * fine> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace berth::bench
