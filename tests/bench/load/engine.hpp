// Sends calls and counts replies: one thread, one epoll, every slot sends its next call as soon as
// the reply to the last one is there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include <netinet/in.h>
#include <sys/types.h>

#include "tests/bench/load/histogram.hpp"
#include "tests/bench/load/process.hpp"
#include "tests/bench/load/works.hpp"

namespace berth::bench {

struct Plan {
    sockaddr_in server{};
    Shape shape;
    double warmup_s = 0.2;
    double seconds = 1;
    std::uint64_t calls = 0;  // not 0: measure until that many, however long it takes
    bool gathers = true;  // calls that are due at once leave in one send; otherwise each in its own
    pid_t server_process = 0;
    std::function<void()> on_measuring;  // called when warm
};

struct Outcome {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;  // replies that are not good, of the warm-up too
    std::uint64_t bytes = 0;   // of data
    double seconds = 0;
    CpuTime server_cpu;
    double client_cpu_us = 0;
    Histogram latency;
};

/// Set by a signal handler: measuring ends early, as if the time were over.
extern std::atomic<bool> must_stop;

/// Ends when no call is in flight any more. Throws std::runtime_error when a connection breaks,
/// replies stay away, or the server answers what was not asked.
Outcome measure(const Plan& plan, std::vector<Slot>& slots);

}  // namespace berth::bench
