// Formats lines and writes them to a descriptor, for the log's thread. A line begins with the time
// and its zone (RFC 3339); only a terminal gets colours. Other processes may share the descriptor,
// so it is not made non-blocking. Only the log's thread uses it, except for give_up().
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/pattern_formatter.h>

#include "server/log_queue.hpp"
#include "server/options.hpp"

namespace berth::server {

class LogWriter {
public:
    LogWriter(int descriptor, LogFormat format);

    void add(const LogQueue::Line& line);
    void add_dropped(std::uint64_t count);
    void add(spdlog::level::level_enum level, std::string_view text);
    /// Writes what was added. Lines that the descriptor refuses are lost, and count as dropped.
    void flush();
    /// From now on nothing waits for the reader. Any thread.
    void give_up() noexcept { has_given_up_.store(true); }

    /// A writable pipe accepts this much at once; so lines of processes that share it are not
    /// mixed, and no write waits.
    static constexpr std::size_t chunk_bytes = 4096;

private:
    void form(const LogQueue::Said& said);
    void append_line();
    [[nodiscard]] bool begin_again();
    [[nodiscard]] bool write(std::string_view text);
    [[nodiscard]] bool await_reader() const;

    const int descriptor_;
    spdlog::pattern_formatter formatter_;
    spdlog::memory_buf_t line_;
    std::string chunk_;
    std::uint64_t lines_in_chunk_ = 0;
    std::uint64_t lost_ = 0;  ///< lines that the descriptor has refused since the last good write
    bool is_within_line_ = false;  ///< the last write ended within a line
    std::atomic<bool> has_given_up_ = false;
};

}  // namespace berth::server
