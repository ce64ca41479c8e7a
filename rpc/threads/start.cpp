#include "rpc/threads/start.hpp"

#include <algorithm>
#include <array>

#include <pthread.h>

namespace berth::threads {

void name_this_thread(std::string_view name) noexcept {
    constexpr std::string_view prefix = "berth-";
    std::array<char, 16> text{};  // the kernel's limit, including the terminator
    auto end = std::ranges::copy(prefix, text.begin()).out;
    const auto room = text.size() - prefix.size() - 1;
    std::ranges::copy(name.substr(0, room), end);
    ::pthread_setname_np(::pthread_self(), text.data());
}

std::system_error no_thread(const std::system_error& error) {
    return std::system_error{error.code(),
                             "no more threads can be started; allow more of them, or more memory "
                             "(ulimit -u and -v, TasksMax, pids.max)"};
}

}  // namespace berth::threads
