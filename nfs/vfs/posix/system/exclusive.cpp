#include "nfs/vfs/posix/system/exclusive.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

using Seconds = std::int64_t;
using Halves = std::array<std::uint32_t, 2>;
using Times = std::array<timespec, 2>;

// The coarsest steps of known file systems: FAT stores modification times in steps of two seconds,
// and some file systems store only the day.
constexpr std::array<Seconds, 2> coarse_steps{2, 86'400};

Halves halves_of(const CreateVerifier& verifier) {
    Halves halves;
    static_assert(sizeof halves == sizeof verifier);
    std::memcpy(halves.data(), verifier.data(), sizeof halves);
    return halves;
}

// ext3 and later file systems store it signed; some others store it unsigned.
Seconds with_sign(std::uint32_t half) {
    return static_cast<std::int32_t>(half);
}
Seconds without_sign(std::uint32_t half) {
    return half;
}

bool is_half(const Time& found, std::uint32_t half) {
    return found.nanoseconds == 0 &&
           (found.seconds == with_sign(half) || found.seconds == without_sign(half));
}

// A time between 1987 and 2021, which every file system can store.
Seconds digest(const Halves& halves, Seconds step) {
    constexpr std::uint64_t spread = 0x9E37'79B9'7F4A'7C15;
    constexpr Seconds first = Seconds{1} << 29;
    constexpr Seconds range = Seconds{1} << 30;
    std::uint64_t mixed = (std::uint64_t{halves[0]} << 32 | halves[1]) * spread;
    mixed = (mixed ^ mixed >> 29) * spread;
    const auto steps =
        static_cast<Seconds>((mixed >> 32) % static_cast<std::uint64_t>(range / step));
    return (first / step + steps) * step;
}

bool is_digest(const Time& modified, const Halves& halves) {
    return modified.nanoseconds == 0 && std::ranges::any_of(coarse_steps, [&](Seconds step) {
               return modified.seconds == digest(halves, step);
           });
}

Times times_of(Seconds accessed, Seconds modified) {
    return {timespec{.tv_sec = accessed, .tv_nsec = 0}, timespec{.tv_sec = modified, .tv_nsec = 0}};
}

}  // namespace

Result<void> keep_verifier(int file, const CreateVerifier& verifier) {
    const auto halves = halves_of(verifier);
    const auto [first, second] = halves;
    const std::array<Times, 4> ways{
        times_of(with_sign(first), with_sign(second)),
        times_of(without_sign(first), without_sign(second)),
        times_of(digest(halves, coarse_steps[0]), digest(halves, coarse_steps[0])),
        times_of(digest(halves, coarse_steps[1]), digest(halves, coarse_steps[1])),
    };
    for (const auto& times : ways) {
        // A value that can't be stored is silently truncated, or refused.
        if (auto set = change_times(file, times); !set) {
            if (set.error() == std::errc::invalid_argument) continue;
            return set;
        }
        const auto kept = status(file);
        if (!kept) return kept.error();
        if (holds_verifier(to_attributes(*kept), verifier)) return {};
    }
    return std::errc::operation_not_supported;
}

bool holds_verifier(const Attributes& attributes, const CreateVerifier& verifier) {
    const auto halves = halves_of(verifier);
    const bool is_whole =
        is_half(attributes.accessed, halves[0]) && is_half(attributes.modified, halves[1]);
    return is_whole || is_digest(attributes.modified, halves);
}

}  // namespace berth::vfs::posix
