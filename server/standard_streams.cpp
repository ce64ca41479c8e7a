#include "server/standard_streams.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace berth::server {

void open_standard_streams() {
    for (const int stream : std::array{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
        // The lowest free number is that of the stream. Where there is no /dev/null, something that
        // can be neither read nor written takes it.
        if (::open("/dev/null", O_RDWR | O_NOCTTY) < 0) ::open("/", O_PATH);
    }
}

}  // namespace berth::server
