// How many calls run on workers after one on a network thread took too long: few at first, more
// while that happens again soon.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace berth::rpc::net {

class Caution {
public:
    static constexpr unsigned calls_max = 8192;

    /// `least` calls after the first time, and twice as many as the last time if there were fewer
    /// than `again` times as many sections in between.
    constexpr Caution(unsigned least, unsigned again) noexcept : least_(least), again_(again) {}

    /// How many calls to hand over after this section, the last of all that have been numbered.
    unsigned calls_after(std::uint64_t section) noexcept {
        const auto between = section - std::exchange(section_, section);
        const bool is_soon = between < std::uint64_t{again_} * calls_;
        calls_ = is_soon ? std::min(2 * calls_, calls_max) : least_;
        return calls_;
    }

private:
    unsigned least_;
    unsigned again_;
    unsigned calls_ = 0;
    std::uint64_t section_ = 0;
};

}  // namespace berth::rpc::net
