#include "server/log.hpp"

#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace berth::server {

namespace {

/// The message as the inside of a JSON string.
class JsonText final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        for (const char c : message.payload) {
            if (c == '"' || c == '\\') to.push_back('\\');
            if (static_cast<unsigned char>(c) < 0x20)
                fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(c));
            else
                to.push_back(c);
        }
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonText>();
    }
};

}  // namespace

void set_up_log(const std::string& level, LogFormat format) {
    auto logger = std::make_shared<spdlog::logger>(
        "berth", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    if (format == LogFormat::json)
        formatter->add_flag<JsonText>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})");
    else
        formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace berth::server
