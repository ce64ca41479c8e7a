// The log: stderr, one line per event, for people or for machines. Threads that serve never write
// to it: they put lines into a bounded queue, and the log's own thread writes them. If the reader
// stalls, lines are lost; their number is reported when it resumes. It holds up nobody.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <unistd.h>

#include "server/line_limits.hpp"
#include "server/log_queue.hpp"
#include "server/options.hpp"

namespace berth::server {

class LogSink;

/// Owns spdlog's default logger while it lives, and the thread that writes its lines. Lines logged
/// later are lost.
class Log {
public:
    struct Options {
        std::string level = "info";  ///< one of spdlog's level names
        LogFormat format = LogFormat::text;
        int descriptor = STDERR_FILENO;  ///< stays open while the log lives
        LogQueue::Limits queue;
        LineLimits::Options repeated;
    };

    /// Throws std::system_error if the thread can't be started.
    explicit Log(const Options& options);
    /// Calls finish() with patience_at_end.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// Writes the queued lines and ends the thread. True: everything was written. Returns after at
    /// most `patience` and some 200 ms, whatever the reader does.
    bool finish(std::chrono::milliseconds patience);

    static constexpr std::chrono::milliseconds patience_at_end{1000};

private:
    std::shared_ptr<LogSink> sink_;
};

}  // namespace berth::server
