#include "rpc/peer_log.hpp"

#include <charconv>
#include <cstddef>
#include <iterator>
#include <string>

#include <spdlog/spdlog.h>

namespace berth::rpc {
namespace {

// No real source location has these line numbers.
constexpr int line_of_peers = -1;
constexpr int rare_line_of_peers = -2;

}  // namespace

std::optional<PeerLine> PeerLine::of(const spdlog::source_loc& source) noexcept {
    const bool is_rare = source.line == rare_line_of_peers;
    if (!is_rare && source.line != line_of_peers) return {};
    const std::string_view peer{source.funcname};
    const std::string_view digits{peer.data() + peer.size() + 1};
    std::size_t path_bytes = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), path_bytes);
    return PeerLine{.kind = source.filename,
                    .peer = peer,
                    .path = {digits.data() + digits.size() + 1, path_bytes},
                    .pace = is_rare ? Pace::rarely : Pace::often};
}

PeerSource::PeerSource(const PeerLine& line)
    : kind_(line.kind),
      pace_(line.pace),
      parts_(line.peer) {
    parts_ += '\0';
    parts_ += std::to_string(line.path.size());
    parts_ += '\0';
    parts_ += line.path;
}

spdlog::source_loc PeerSource::get() const noexcept {
    return {kind_, pace_ == Pace::often ? line_of_peers : rare_line_of_peers, parts_.c_str()};
}

void log_of(const Cause& cause, spdlog::level::level_enum level, fmt::string_view format,
            fmt::format_args arguments) noexcept {
    auto* const logger = spdlog::default_logger_raw();
    if (logger == nullptr || !logger->should_log(level)) return;
    try {
        fmt::memory_buffer text;
        fmt::vformat_to(std::back_inserter(text), format, arguments);
        const auto name = cause.peer != nullptr ? cause.peer->text() : std::string{};
        const PeerSource source{
            {.kind = format.data(), .peer = name, .path = cause.path, .pace = cause.pace}};
        logger->log(source.get(), level, spdlog::string_view_t{text.data(), text.size()});
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // There is no memory for the line, and only the log could be told.
    }
}

}  // namespace berth::rpc
