#include "server/signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

namespace berth::server {
namespace {

constexpr std::array held{SIGTERM, SIGINT, SIGHUP};
// Faults first, then signals from a terminal or a child.
constexpr std::array as_by_default{SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,
                                   SIGSYS,  SIGQUIT, SIGTSTP, SIGCONT, SIGCHLD};

using Handler = void (*)(int);

template <class Signals>
bool is_among(const Signals& signals, int signal) {
    return std::ranges::find(signals, signal) != signals.end();
}

// Keeps handlers that the program itself has installed (a sanitizer, a profiler); a parent can't
// leave any. SIGKILL, SIGSTOP and the C library's own signals can't be queried.
void dispose(int signal, Handler how) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) return;
    const bool is_handled = (action.sa_flags & SA_SIGINFO) != 0 ||
                            (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
    if (is_handled || action.sa_handler == how) return;
    action.sa_handler = how;
    ::sigaction(signal, &action, nullptr);
}

sigset_t held_set() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : held) ::sigaddset(&set, signal);
    return set;
}

}  // namespace

void hold_signals() {
    const auto set = held_set();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void release_signals() {
    const auto set = held_set();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Signals::Signals() {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        const bool is_default = is_among(held, signal) || is_among(as_by_default, signal);
        dispose(signal, is_default ? SIG_DFL : SIG_IGN);
    }
    const auto set = held_set();
    ::pthread_sigmask(SIG_SETMASK, &set, nullptr);
    descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    if (descriptor_ < 0)
        throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
}

Signals::~Signals() {
    ::close(descriptor_);
}

int Signals::take() {
    return std::exchange(is_reload_left_, false) ? SIGHUP : read();
}

std::optional<int> Signals::take_ending() {
    const int signal = read();
    if (signal != SIGHUP) return signal;
    is_reload_left_ = true;
    return {};
}

int Signals::read() const {
    signalfd_siginfo signal{};
    while (::read(descriptor_, &signal, sizeof signal) < 0) {
    }
    return static_cast<int>(signal.ssi_signo);
}

}  // namespace berth::server
