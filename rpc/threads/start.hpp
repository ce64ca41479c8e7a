// How every thread of the server starts.
#pragma once

#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace berth::threads {

/// Names the calling thread "berth-NAME", as ps -L and /proc show it; cut off after 15 characters.
void name_this_thread(std::string_view name) noexcept;

/// The same error, whose text tells an administrator what to allow more of.
[[nodiscard]] std::system_error no_thread(const std::system_error& error);

/// A thread, std::thread or std::jthread, that runs the work. Throws std::system_error if the
/// system can't start one.
template <class Thread = std::thread, class Work>
[[nodiscard]] Thread start(Work&& work) {
    try {
        return Thread{std::forward<Work>(work)};
    } catch (const std::system_error& error) {
        throw no_thread(error);
    }
}

}  // namespace berth::threads
