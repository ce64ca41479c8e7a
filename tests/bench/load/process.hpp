// What the kernel says about the server's process, and where its threads may run.
#pragma once

#include <cstdint>
#include <map>

#include <sched.h>
#include <sys/types.h>

namespace berth::bench {

/// User and system time of all threads, those that have ended included; in microseconds. 0 for no
/// process.
double cpu_us(pid_t process);

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
