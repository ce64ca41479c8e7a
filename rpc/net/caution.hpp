// How many calls run on workers after a call on a network thread has taken too long: few at first,
// more if it soon happens again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace berth::rpc::net {

class Caution {
public:
    static constexpr unsigned calls_max = 8192;

    /// `least` calls after the first slow section. After a later one twice as many as the last
    /// time, if fewer than `again` times that number of sections lie in between; else `least`
    /// again.
    constexpr Caution(unsigned least, unsigned again) noexcept : least_(least), again_(again) {}

    /// How many calls to hand over after this section, the newest one. Sections are numbered in
    /// order.
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
