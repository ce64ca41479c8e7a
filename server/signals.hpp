// What signals do to this program, whatever the parent ignored or blocked. Belongs to the main
// thread, before any other is made.
#pragma once

namespace berth::server {

/// Holds back the signals that a server acts on, so that none of them ends it while it starts.
void hold_signals();

/// They end the program as they end any other. For the commands that serve nothing; what the parent
/// ignores (nohup) stays ignored.
void release_signals();

/// Decides what every signal does to a server:
/// - SIGTERM, SIGINT and SIGHUP are held back in all threads, and taken here one at a time.
/// - What tells of a fault in the program, and SIGQUIT, SIGTSTP and SIGCHLD, do as by default.
/// - All others are ignored. Those that a call can raise (SIGXFSZ, SIGPIPE) are errors of that call
///   (EFBIG, EPIPE); others (SIGUSR1) would end the server for nothing, and SIGTTOU would stop it
///   for a line in the log.
class Signals {
public:
    /// Throws std::system_error.
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// For poll(2): POLLIN when there is one to take.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// SIGTERM, SIGINT or SIGHUP; waits for it.
    [[nodiscard]] int take() const;

private:
    int descriptor_ = -1;
};

}  // namespace berth::server
