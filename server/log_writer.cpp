#include "server/log_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <spdlog/fmt/fmt.h>

#include "rpc/peer_log.hpp"
#include "server/printable.hpp"

namespace berth::server {
namespace {

/// Appends what may stand within the quotes of JSON as it is, but for quotes and backslashes.
void append_json(std::string_view printable, spdlog::memory_buf_t& to) {
    for (const char c : printable) {
        if (c == '"' || c == '\\') to.push_back('\\');
        to.push_back(c);
    }
}

/// The message in printable form; for JSON as the contents of a string.
class Message final : public spdlog::custom_flag_formatter {
public:
    explicit Message(bool is_json) : is_json_(is_json) {}

    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        shown_.clear();
        append_printable(shown_, {message.payload.data(), message.payload.size()});
        if (is_json_) return append_json(shown_, to);
        to.append(shown_.data(), shown_.data() + shown_.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Message>(is_json_);
    }

private:
    const bool is_json_;
    std::string shown_;
};

/// The client that caused a line, and the path that it is about, as members of its object. Bytes
/// that no reader of JSON would understand are written as "\xNN" in the path, and a backslash too,
/// so that paths that differ look different.
class Members final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        const auto line = rpc::PeerLine::of(message.source);
        if (!line) return;
        append("client", line->peer, to);
        append("path", line->path, to);
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Members>();
    }

private:
    static void append(std::string_view name, std::string_view value, spdlog::memory_buf_t& to) {
        if (value.empty()) return;
        std::string shown;
        for (auto rest = value; !rest.empty();) {
            const auto plain = rest.substr(0, rest.find('\\'));
            append_printable(shown, plain);
            rest.remove_prefix(plain.size());
            if (rest.empty()) break;
            shown += "\\x5c";
            rest.remove_prefix(1);
        }
        fmt::format_to(std::back_inserter(to), R"(,"{}":")", name);
        append_json(shown, to);
        to.push_back('"');
    }
};

/// The level, in colour where it asks for attention.
class ColouredLevel final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& to) override {
        constexpr std::string_view yellow = "\x1b[33m";
        constexpr std::string_view red = "\x1b[31m";
        constexpr std::string_view plain = "\x1b[0m";
        const auto colour = message.level >= spdlog::level::err    ? red
                            : message.level == spdlog::level::warn ? yellow
                                                                   : std::string_view{};
        const auto name = spdlog::level::to_string_view(message.level);
        to.append(colour.data(), colour.data() + colour.size());
        to.append(name.data(), name.data() + name.size());
        if (!colour.empty()) to.append(plain.data(), plain.data() + plain.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<ColouredLevel>();
    }
};

/// Only a terminal that shows colours, whose user has not asked for none (no-color.org).
bool shows_colours(int descriptor) {
    const auto value_of = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string_view{value == nullptr ? "" : value};
    };
    return ::isatty(descriptor) == 1 && value_of("NO_COLOR").empty() && value_of("TERM") != "dumb";
}

std::string text_of_dropped(std::uint64_t count) {
    return fmt::format("{} dropped here: the reader of this log was too slow, or there was no room "
                       "for more",
                       count == 1 ? "1 line was" : fmt::format("{} lines were", count));
}

// Times are those of RFC 3339, in the zone of the server.
spdlog::pattern_formatter formatter_for(int descriptor, LogFormat format) {
    const bool is_json = format == LogFormat::json;
    const bool has_colours = !is_json && shows_colours(descriptor);
    spdlog::pattern_formatter::custom_flags flags;
    flags['*'] = std::make_unique<Message>(is_json);
    flags['&'] = std::make_unique<Members>();
    flags['|'] = std::make_unique<ColouredLevel>();
    const auto* const pattern =
        is_json       ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"%&})"
        : has_colours ? "%Y-%m-%dT%H:%M:%S.%e%z %|: %*"
                      : "%Y-%m-%dT%H:%M:%S.%e%z %l: %*";
    return spdlog::pattern_formatter{pattern, spdlog::pattern_time_type::local, "\n",
                                     std::move(flags)};
}

}  // namespace

LogWriter::LogWriter(int descriptor, LogFormat format)
    : descriptor_(descriptor),
      formatter_(formatter_for(descriptor, format)) {}

void LogWriter::add(const LogQueue::Line& line) {
    add_dropped(line.dropped_before);
    form({.level = line.level,
          .time = line.time,
          .text = line.text,
          .client = line.client,
          .path = line.path});
    append_line();
}

void LogWriter::add(spdlog::level::level_enum level, std::string_view text) {
    form({.level = level, .time = spdlog::log_clock::now(), .text = text});
    append_line();
}

void LogWriter::add_dropped(std::uint64_t count) {
    if (count > 0) add(spdlog::level::warn, text_of_dropped(count));
}

void LogWriter::form(const LogQueue::Said& said) {
    line_.clear();
    const rpc::PeerSource caused{{.peer = said.client, .path = said.path}};
    formatter_.format(
        {said.time, caused.get(), {}, said.level, {said.text.data(), said.text.size()}}, line_);
}

void LogWriter::append_line() {
    if (!chunk_.empty() && chunk_.size() + line_.size() > chunk_bytes) flush();
    chunk_.append(line_.data(), line_.size());
    ++lines_in_chunk_;
}

void LogWriter::flush() {
    if (chunk_.empty()) return;
    const auto lines = std::exchange(lines_in_chunk_, 0);
    const auto chunk = std::exchange(chunk_, {});
    if (begin_again() && write(chunk)) return;
    lost_ += lines;
}

// After refused lines: ends the one that was cut off, and reports how many were lost.
bool LogWriter::begin_again() {
    if (is_within_line_ && !write("\n")) return false;
    if (lost_ == 0) return true;
    const auto text = text_of_dropped(lost_);
    form({.level = spdlog::level::warn, .time = spdlog::log_clock::now(), .text = text});
    if (!write({line_.data(), line_.size()})) return false;
    lost_ = 0;
    return true;
}

bool LogWriter::write(std::string_view text) {
    constexpr int pause_ms = 10;
    while (!text.empty()) {
        if (!await_reader()) return false;
        const auto count = ::write(descriptor_, text.data(), std::min(text.size(), chunk_bytes));
        if (count < 0 && errno == EAGAIN) ::poll(nullptr, 0, pause_ms);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count <= 0) return false;
        is_within_line_ = text[static_cast<std::size_t>(count) - 1] != '\n';
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// Wakes up regularly to check has_given_up_.
bool LogWriter::await_reader() const {
    constexpr int look_up_ms = 100;
    pollfd awaited{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    while (!has_given_up_.load()) {
        const int ready = ::poll(&awaited, 1, look_up_ms);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
    return false;
}

}  // namespace berth::server
