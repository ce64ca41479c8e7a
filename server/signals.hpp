// How this program handles signals, whatever its parent ignored or blocked. The main thread
// owns this, and makes it before any other thread.
#pragma once

#include <optional>

namespace berth::server {

/// Blocks the signals that a server handles, so that none ends it while it starts.
void hold_signals();

/// Unblocks them, for commands that do not serve: they end the program as usual. Signals that the
/// parent ignores (nohup) stay ignored.
void release_signals();

/// Sets the action for every signal of a server:
/// - SIGTERM, SIGINT and SIGHUP are blocked in all threads, and taken here one at a time.
/// - Signals for program faults, and SIGQUIT, SIGTSTP and SIGCHLD, keep their default action.
/// - All others are ignored. Signals that a call can raise (SIGXFSZ, SIGPIPE) become errors of that
///   call (EFBIG, EPIPE); others (SIGUSR1) would end the server for nothing, and SIGTTOU would
///   stop it for writing a log line.
class Signals {
public:
    /// Throws std::system_error.
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// For poll(2): POLLIN if there is one to take.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// Waits for SIGTERM, SIGINT or SIGHUP, and returns it.
    [[nodiscard]] int take();
    /// Takes a pending SIGTERM or SIGINT, if there is one; SIGHUP is left for take().
    [[nodiscard]] std::optional<int> take_ending();
    /// Whether take() has one to return that poll(2) no longer reports.
    [[nodiscard]] bool has_left_one() const noexcept { return is_reload_left_; }

private:
    [[nodiscard]] int read() const;

    int descriptor_ = -1;
    bool is_reload_left_ = false;
};

}  // namespace berth::server
