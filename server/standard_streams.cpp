#include "server/standard_streams.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace berth::server {

bool open_standard_streams() {
    const bool has_output = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    for (const int stream : std::array{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
        // The lowest free number is the stream's. Without /dev/null a descriptor that can be
        // neither read nor written takes it.
        if (::open("/dev/null", O_RDWR | O_NOCTTY) < 0) ::open("/", O_PATH);
    }
    return has_output;
}

bool write_within(int stream, std::string_view text, std::chrono::milliseconds patience) {
    // A writable pipe accepts this much without waiting.
    constexpr std::size_t piece_bytes = 4096;
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + patience;
    while (!text.empty()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd awaited{.fd = stream, .events = POLLOUT, .revents = 0};
        const int ready = ::poll(&awaited, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const auto count = ::write(stream, text.data(), std::min(text.size(), piece_bytes));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

void finish_output() {
    // A full disk reports its error again. The number of any other error is lost by now.
    const bool was_good = std::ferror(stdout) == 0;
    const bool is_good = std::fflush(stdout) == 0;
    if (was_good && is_good) return;
    const int number = is_good ? EIO : errno;
    throw std::system_error(number, std::generic_category(), "standard output can't be written");
}

}  // namespace berth::server
