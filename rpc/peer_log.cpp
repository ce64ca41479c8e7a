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

spdlog::source_loc PeerLine::as_source() const noexcept {
    return {kind, pace == Pace::often ? line_of_peers : rare_line_of_peers, peer};
}

std::optional<PeerLine> PeerLine::of(const spdlog::source_loc& source) noexcept {
    const bool is_rare = source.line == rare_line_of_peers;
    if (!is_rare && source.line != line_of_peers) return {};
    return PeerLine{.kind = source.filename,
                    .peer = source.funcname,
                    .pace = is_rare ? Pace::rarely : Pace::often};
}

void log_of(const Address* peer, spdlog::level::level_enum level, fmt::string_view format,
            fmt::format_args arguments, Pace pace) noexcept {
    auto* const logger = spdlog::default_logger_raw();
    if (logger == nullptr || !logger->should_log(level)) return;
    try {
        fmt::memory_buffer text;
        fmt::vformat_to(std::back_inserter(text), format, arguments);
        const auto name = peer != nullptr ? peer->text() : std::string{};
        const PeerLine line{.kind = format.data(), .peer = name.c_str(), .pace = pace};
        logger->log(line.as_source(), level, spdlog::string_view_t{text.data(), text.size()});
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // There is no memory for the line, and only the log could be told.
    }
}

}  // namespace berth::rpc
