// What the kernel says about the server's process, and where its threads may run.
#pragma once

#include <cstdint>
#include <map>

#include <sched.h>
#include <sys/types.h>

namespace berth::bench {

/// Microseconds of processor time.
struct CpuTime {
    double in_all = 0;
    double in_kernel = 0;
    CpuTime operator-(const CpuTime& before) const {
        return {.in_all = in_all - before.in_all, .in_kernel = in_kernel - before.in_kernel};
    }
};

/// Of all threads, those that have ended included. Nothing for no process.
CpuTime cpu_time(pid_t process);

/// Resident memory in KiB. 0 for no process.
std::uint64_t resident_kib(pid_t process);

/// Keeps this process and all threads of another one on one CPU while it lives.
class Pinned {
public:
    Pinned(pid_t process, int cpu);
    ~Pinned();
    Pinned(const Pinned&) = delete;
    Pinned& operator=(const Pinned&) = delete;

private:
    void pin(pid_t thread, const cpu_set_t& where);

    std::map<pid_t, cpu_set_t> before_;
};

}  // namespace berth::bench
