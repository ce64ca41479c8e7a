// Preloaded into linux.uml: an interrupt that comes while the guest goes to sleep wakes it.
// User-mode-linux 6.1 notes a signal that comes while its interrupts are off, and handles it when
// they are on again. Its idle loop turns them off, looks whether there is work, and then calls
// sigsuspend: what comes between the look and the call is noted, and the guest sleeps on until its
// next timer (10 ms). A server that answers within those microseconds would seem slow. Here
// sigsuspend returns at once if the signal of its devices, SIGIO, has come since the last time that
// it did.

#include <csignal>
#include <cstddef>

#include <dlfcn.h>

namespace {

using Action = int (*)(int, const struct sigaction*, struct sigaction*);
using Suspend = int (*)(const sigset_t*);
using Handler = void (*)(int, siginfo_t*, void*);

volatile std::sig_atomic_t has_come = 0;
Handler handler = nullptr;

void note(int number, siginfo_t* about, void* context) {
    has_come = 1;
    handler(number, about, context);
}

template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int sigaction(int number, const struct sigaction* wanted,
                         struct sigaction* before) noexcept {
    static const auto real = next<Action>("sigaction");
    if (number != SIGIO) return real(number, wanted, before);
    const auto handler_before = handler;
    struct sigaction ours {};
    if (wanted != nullptr) {
        ours = *wanted;
        if ((ours.sa_flags & SA_SIGINFO) != 0) {
            handler = ours.sa_sigaction;
            ours.sa_sigaction = note;
        }
    }
    const int result = real(number, wanted != nullptr ? &ours : nullptr, before);
    if (before != nullptr && before->sa_sigaction == note) before->sa_sigaction = handler_before;
    return result;
}

extern "C" int sigsuspend(const sigset_t* mask) {
    static const auto real = next<Suspend>("sigsuspend");
    sigset_t io;
    sigset_t before;
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    sigprocmask(SIG_BLOCK, &io, &before);
    const int result = has_come != 0 ? -1 : real(mask);
    has_come = 0;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return result;
}
