// The lines that are logged while one of these lives, each as "level: text". The limits on repeated
// lines are the server's log's, so here every line is seen.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

namespace berth::test {

class Logged {
public:
    Logged() {
        sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            "%l: %v", spdlog::pattern_time_type::local, ""));
        spdlog::set_default_logger(std::make_shared<spdlog::logger>("logged", sink_));
    }
    Logged(const Logged&) = delete;
    Logged& operator=(const Logged&) = delete;
    ~Logged() { spdlog::set_default_logger(before_); }

    [[nodiscard]] std::vector<std::string> lines() const { return sink_->last_formatted(); }

private:
    static constexpr std::size_t lines_max = 1000;

    const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
    const std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_ =
        std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(lines_max);
};

}  // namespace berth::test
