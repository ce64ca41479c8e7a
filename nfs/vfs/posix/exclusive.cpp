#include "nfs/vfs/posix/exclusive.hpp"

#include <cstdint>
#include <cstring>

namespace berth::vfs::posix {
namespace {

timespec to_time(std::uint32_t half) {
    constexpr std::uint32_t seconds_mask = 0x7FFF'FFFF;
    constexpr long half_second = 500'000'000;
    return {.tv_sec = static_cast<time_t>(half & seconds_mask),
            .tv_nsec = (half & ~seconds_mask) != 0 ? half_second : 0};
}

bool same(const timespec& wanted, const Time& found) {
    return wanted.tv_sec == found.seconds && wanted.tv_nsec == static_cast<long>(found.nanoseconds);
}

}  // namespace

std::array<timespec, 2> to_times(const CreateVerifier& verifier) {
    std::array<std::uint32_t, 2> halves;
    static_assert(sizeof halves == sizeof verifier);
    std::memcpy(halves.data(), verifier.data(), sizeof halves);
    return {to_time(halves[0]), to_time(halves[1])};
}

bool holds_verifier(const Attributes& attributes, const CreateVerifier& verifier) {
    const auto times = to_times(verifier);
    return same(times[0], attributes.accessed) && same(times[1], attributes.modified);
}

}  // namespace berth::vfs::posix
