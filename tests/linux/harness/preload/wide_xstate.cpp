// Preloaded into linux.uml: lets it run on processors whose register state is wider than it knows
// (AMX). User-mode-linux 6.1 keeps 2696 bytes per process, and the host refuses to set anything
// less than the whole state, so the guest's first process dies with "ptrace set fp regs failed".
// The components beyond those bytes must be asked for (arch_prctl), which nothing in a guest does:
// they are always in their initial state. UML is single-threaded where it traces, so one static
// buffer serves.

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <cpuid.h>
#include <elf.h>

namespace {

using Ptrace = long (*)(int, long, void*, void*);

constexpr std::size_t features_at = 512;  // XSTATE_BV, first word of the XSAVE header

alignas(64) unsigned char whole[64 * 1024];
std::size_t whole_bytes = 0;  // known after the first GETREGSET, which UML makes at start

/// The state components that lie entirely within the first `bytes` of the standard XSAVE layout.
std::uint64_t features_within(std::size_t bytes) {
    std::uint64_t features = 3;  // x87 and SSE: the legacy area
    for (unsigned component = 2; component < 63; ++component) {
        unsigned size = 0, offset = 0, unused_c = 0, unused_d = 0;
        __cpuid_count(0xd, component, size, offset, unused_c, unused_d);
        if (size != 0 && offset + size <= bytes) features |= std::uint64_t{1} << component;
    }
    return features;
}

long get(Ptrace real, int pid, void* set, iovec& asked) {
    iovec all{whole, sizeof whole};
    if (long failed = real(PTRACE_GETREGSET, pid, set, &all)) return failed;
    whole_bytes = all.iov_len;
    asked.iov_len = std::min(asked.iov_len, all.iov_len);
    std::memcpy(asked.iov_base, whole, asked.iov_len);
    return 0;
}

long put(Ptrace real, int pid, void* set, iovec& given) {
    if (given.iov_len >= whole_bytes) return real(PTRACE_SETREGSET, pid, set, &given);
    static const std::uint64_t known = features_within(given.iov_len);
    std::memset(whole, 0, whole_bytes);
    std::memcpy(whole, given.iov_base, given.iov_len);
    std::uint64_t features = 0;
    std::memcpy(&features, whole + features_at, sizeof features);
    features &= known;
    std::memcpy(whole + features_at, &features, sizeof features);
    iovec all{whole, whole_bytes};
    return real(PTRACE_SETREGSET, pid, set, &all);
}

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) noexcept {
    static const auto real = reinterpret_cast<Ptrace>(dlsym(RTLD_NEXT, "ptrace"));
    std::va_list arguments;
    va_start(arguments, request);
    const int pid = va_arg(arguments, int);
    void* address = va_arg(arguments, void*);
    void* data = va_arg(arguments, void*);
    va_end(arguments);
    const bool xstate = reinterpret_cast<std::uintptr_t>(address) == NT_X86_XSTATE;
    if (xstate && request == PTRACE_GETREGSET)
        return get(real, pid, address, *static_cast<iovec*>(data));
    if (xstate && request == PTRACE_SETREGSET)
        return put(real, pid, address, *static_cast<iovec*>(data));
    return real(request, pid, address, data);
}
