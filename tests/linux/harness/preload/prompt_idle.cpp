// Preloaded into linux.uml: what arrives while the guest goes to sleep wakes it. Without this a
// server that answers within some 20 us seems slow, in two ways.
//
// User-mode-linux 6.1 turns its interrupts off, looks whether there is work, and calls sigsuspend;
// a SIGIO of a device that comes in between is noted, and the guest sleeps on until its next timer
// (10 ms). And a tap sends that SIGIO a moment before its descriptor shows that there is something
// to read: when the guest looks within that moment it finds nothing, and no other SIGIO follows
// until the server's TCP sends the same again (200 ms).
//
// So the guest sleeps on its epoll descriptor, through which it looks at its devices, as well.

#include <cerrno>
#include <csignal>

#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace {

int devices = -1;  // UML has one

}  // namespace

extern "C" int epoll_create(int size) noexcept {
    using Create = int (*)(int);
    static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "epoll_create"));
    return devices = real(size);
}

extern "C" int sigsuspend(const sigset_t* mask) {
    pollfd waited{.fd = devices, .events = POLLIN, .revents = 0};
    if (::ppoll(&waited, 1, nullptr, mask) > 0) ::kill(::getpid(), SIGIO);
    errno = EINTR;
    return -1;
}
