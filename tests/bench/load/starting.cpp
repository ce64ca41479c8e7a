#include "tests/bench/load/starting.hpp"

#include <chrono>
#include <csignal>
#include <exception>
#include <stdexcept>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth::bench {

namespace {

constexpr std::chrono::seconds patience{60};
constexpr std::chrono::microseconds between_attempts{200};

/// Waits for that long on purpose: the server's time is what is measured, and busy asking would
/// take it away.
void pause() {
    const timespec length{0, std::chrono::nanoseconds{between_attempts}.count()};
    ppoll(nullptr, 0, &length, nullptr);
}

bool serves(const sockaddr_in& server, const sockaddr_in& mount_server, const std::string& exported,
            const Caller& caller) {
    try {
        const Bytes root = Session{mount_server, caller}.mount(exported);
        Session{server, caller}.getattr(root);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

double start_ms(char* const* command, const sockaddr_in& server, const sockaddr_in& mount_server,
                const std::string& exported, const Caller& caller) {
    const auto began = std::chrono::steady_clock::now();
    const pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    int status = 0;
    bool has_ended = false, is_serving = false;
    auto now = began;
    while (!is_serving && !has_ended && now < began + patience) {
        is_serving = serves(server, mount_server, exported, caller);
        now = std::chrono::steady_clock::now();
        if (is_serving) break;
        has_ended = waitpid(child, &status, WNOHANG) == child;
        pause();
    }
    if (!has_ended) {
        kill(child, SIGTERM);
        waitpid(child, &status, 0);
    }
    if (!is_serving) throw std::runtime_error("the server did not serve");
    return std::chrono::duration<double, std::milli>(now - began).count();
}

}  // namespace berth::bench
