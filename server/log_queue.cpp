#include "server/log_queue.hpp"

#include <new>
#include <utility>

namespace berth::server {
namespace {

constexpr std::string_view cut_mark = "...";

}  // namespace

void LogQueue::put(const Said& said) noexcept {
    try {
        const auto room = limits_.line_bytes_max;
        Line line{.level = said.level,
                  .time = said.time,
                  .text = std::string{said.text.substr(0, room)},
                  .client = std::string{said.client.substr(0, room)},
                  .path = std::string{said.path.substr(0, room)}};
        if (said.text.size() > room) line.text += cut_mark;
        const std::scoped_lock held{lock_};
        if (is_closed_) return;
        const auto bytes = line.bytes();
        if (has_room(said.level, bytes)) {
            line.dropped_before = dropped_;
            lines_.push_back(std::move(line));
            bytes_ += bytes;
            dropped_ = 0;
        } else {
            ++dropped_;
        }
    } catch (const std::bad_alloc&) {
        count_dropped();
        return;
    }
    something_.notify_one();
}

void LogQueue::count_dropped() noexcept {
    {
        const std::scoped_lock held{lock_};
        if (!is_closed_) ++dropped_;
    }
    something_.notify_one();
}

bool LogQueue::has_room(spdlog::level::level_enum level, std::size_t bytes) const noexcept {
    const std::size_t share = level >= spdlog::level::warn ? 1 : 2;
    return lines_.size() < limits_.lines_max / share && bytes_ + bytes <= limits_.bytes_max / share;
}

void LogQueue::take(Batch& batch, std::size_t bytes_wanted, std::optional<Time> until) {
    batch.lines.clear();
    batch.lines.reserve(Batch::lines_max);
    std::unique_lock held{lock_};
    const auto is_ready = [this] { return !lines_.empty() || dropped_ > 0 || is_closed_; };
    if (until)
        something_.wait_until(held, *until, is_ready);
    else
        something_.wait(held, is_ready);
    for (std::size_t bytes = 0;
         !lines_.empty() && bytes < bytes_wanted && batch.lines.size() < Batch::lines_max;) {
        auto& line = lines_.front();
        bytes += line.bytes();
        bytes_ -= line.bytes();
        batch.lines.push_back(std::move(line));
        lines_.pop_front();
    }
    batch.dropped = lines_.empty() ? std::exchange(dropped_, 0) : 0;
    batch.is_last = is_closed_ && lines_.empty();
}

void LogQueue::close() noexcept {
    {
        const std::scoped_lock held{lock_};
        is_closed_ = true;
    }
    something_.notify_all();
}

}  // namespace berth::server
