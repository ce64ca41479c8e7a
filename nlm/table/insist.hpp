// For what can't be left undone once something else is done: a granted lock that nobody records
// could never be freed, and a file that its visitor does not leave could never be entered.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace berth::nlm {

/// Repeats `work` until it does not fail for lack of memory; it must bear that. Its locks stay
/// locked meanwhile.
template <class Work>
void insist(Work work) noexcept {
    constexpr std::chrono::milliseconds until_there_is_memory{10};
    for (;;) {
        try {
            work();
            return;
        } catch (const std::bad_alloc&) {
            std::this_thread::sleep_for(until_there_is_memory);
        }
    }
}

}  // namespace berth::nlm
