// Log lines that a peer can cause as often as it likes, or that come with every call while
// something is short. The log passes a few of each kind and peer and counts the others
// (server/line_limits.hpp). All layers write such lines with these functions. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include <spdlog/common.h>
#include <spdlog/fmt/fmt.h>

#include "rpc/endpoint.hpp"

namespace berth::rpc {

/// How many lines of one kind and peer the log takes.
enum class Pace : std::uint8_t {
    often,   ///< a few a minute; a summary counts the others
    rarely,  ///< one an hour: what the peer does is the same each time
};

/// The data that such a line carries besides its text. spdlog passes it to the sinks as the line's
/// source location.
struct PeerLine {
    const char* kind = "";  ///< the format string: lives as long as the program
    const char* peer =
        "";  ///< the address as text, valid while the sink runs; empty: no peer in particular
    Pace pace = Pace::often;

    [[nodiscard]] spdlog::source_loc as_source() const noexcept;
    /// Extracts it from a line; empty if no peer caused the line.
    static std::optional<PeerLine> of(const spdlog::source_loc& source) noexcept;
};

/// `format` takes `arguments` as for spdlog; `peer` may be null. Writes nothing if memory is short.
void log_of(const Address* peer, spdlog::level::level_enum level, fmt::string_view format,
            fmt::format_args arguments, Pace pace = Pace::often) noexcept;

/// A literal and its arguments: `warn_of(peer.address, "{} sent nonsense", peer)`.
template <class... Arguments>
using PeerFormat = fmt::format_string<const Arguments&...>;

template <class... Arguments>
void info_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
             const Arguments&... arguments) noexcept {
    log_of(&peer, spdlog::level::info, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void warn_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
             const Arguments&... arguments) noexcept {
    log_of(&peer, spdlog::level::warn, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void error_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
              const Arguments&... arguments) noexcept {
    log_of(&peer, spdlog::level::err, format, fmt::make_format_args(arguments...));
}

/// Advice: the peer gets along as it is, or will try again and again.
template <class... Arguments>
void info_rarely_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
                    const Arguments&... arguments) noexcept {
    log_of(&peer, spdlog::level::info, format, fmt::make_format_args(arguments...), Pace::rarely);
}

template <class... Arguments>
void warn_rarely_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
                    const Arguments&... arguments) noexcept {
    log_of(&peer, spdlog::level::warn, format, fmt::make_format_args(arguments...), Pace::rarely);
}

/// Lines that come often, where no peer is known.
template <class... Arguments>
void warn_often(std::type_identity_t<PeerFormat<Arguments...>> format,
                const Arguments&... arguments) noexcept {
    log_of(nullptr, spdlog::level::warn, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void error_often(std::type_identity_t<PeerFormat<Arguments...>> format,
                 const Arguments&... arguments) noexcept {
    log_of(nullptr, spdlog::level::err, format, fmt::make_format_args(arguments...));
}

}  // namespace berth::rpc

/// Formats as text() does, within the log call, so that a lack of memory costs only the line.
template <>
struct fmt::formatter<berth::rpc::Address> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(const berth::rpc::Address& address, Context& to) const {
        return fmt::formatter<fmt::string_view>::format(address.text(), to);
    }
};

template <>
struct fmt::formatter<berth::rpc::Endpoint> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(const berth::rpc::Endpoint& endpoint, Context& to) const {
        return fmt::formatter<fmt::string_view>::format(endpoint.text(), to);
    }
};
