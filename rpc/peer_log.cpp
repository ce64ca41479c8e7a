#include "rpc/peer_log.hpp"

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
    return PeerLine{.kind = source.filename,
                    .peer = peer,
                    .path = peer.data() + peer.size() + 1,
                    .pace = is_rare ? Pace::rarely : Pace::often};
}

PeerSource::PeerSource(const PeerLine& line)
    : kind_(line.kind),
      pace_(line.pace),
      peer_and_path_(line.peer) {
    peer_and_path_ += '\0';
    peer_and_path_ += line.path;
}

spdlog::source_loc PeerSource::get() const noexcept {
    return {kind_, pace_ == Pace::often ? line_of_peers : rare_line_of_peers,
            peer_and_path_.c_str()};
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
