// Lines on their way from the threads that log to the one that writes. Bounded in lines and bytes:
// lines without room are counted, and the taker of the next line learns how many were lost before
// it. All threads put, one takes; locks itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/common.h>

namespace berth::server {

class LogQueue {
public:
    struct Limits {
        std::size_t lines_max = 8192;
        std::size_t bytes_max = std::size_t{1} << 20;
        std::size_t line_bytes_max = 8192;  ///< longer lines are cut
    };
    struct Line {
        spdlog::level::level_enum level{};
        spdlog::log_clock::time_point time;
        std::string text;
        std::string client;  ///< that caused it; empty: none
        std::string path;    ///< that the client named
        std::uint64_t dropped_before = 0;

        [[nodiscard]] std::size_t bytes() const noexcept {
            return text.size() + client.size() + path.size();
        }
    };
    /// What becomes a Line.
    struct Said {
        spdlog::level::level_enum level{};
        spdlog::log_clock::time_point time;
        std::string_view text;
        std::string_view client = {};
        std::string_view path = {};
    };
    /// Reused, so that the taking thread needs no memory.
    struct Batch {
        static constexpr std::size_t lines_max = 64;
        std::vector<Line> lines;
        std::uint64_t dropped = 0;  ///< after those lines
        bool is_last = false;       ///< no more lines will come
    };
    using Time = std::chrono::steady_clock::time_point;

    explicit LogQueue(const Limits& limits) : limits_(limits) {}

    /// Copies the texts. Never waits for the thread that takes. Half of the room is reserved for
    /// warnings and errors.
    void put(const Said& said) noexcept;
    /// Counts one more lost line.
    void count_dropped() noexcept;
    /// Waits until there is something to take, or until the given time. Takes whole lines, about
    /// `bytes_wanted` bytes of them; they replace the batch's contents.
    void take(Batch& batch, std::size_t bytes_wanted, std::optional<Time> until);
    /// Later lines are lost; queued ones can still be taken.
    void close() noexcept;

private:
    [[nodiscard]] bool has_room(spdlog::level::level_enum level, std::size_t bytes) const noexcept;

    const Limits limits_;
    std::condition_variable something_;
    std::mutex lock_;
    // Guarded by lock_:
    std::deque<Line> lines_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;  ///< since the last line that found room
    bool is_closed_ = false;
};

}  // namespace berth::server
