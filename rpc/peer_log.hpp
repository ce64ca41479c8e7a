// Log lines that a peer can cause as often as it likes, or that come with every call while
// something is short. The log passes a few of each kind and peer and counts the others
// (server/line_limits.hpp). All layers write such lines with these functions. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
    std::string_view peer;  ///< the address as text; empty: no peer in particular
    std::string_view path;  ///< that the peer names, if each path has lines of its own
    Pace pace = Pace::often;

    /// Extracts it from a line, while the sink runs; empty if no peer caused the line.
    static std::optional<PeerLine> of(const spdlog::source_loc& source) noexcept;
};

/// Such data in the form of a source location, which is good for as long as this object.
class PeerSource {
public:
    /// Throws std::bad_alloc.
    explicit PeerSource(const PeerLine& line);

    [[nodiscard]] spdlog::source_loc get() const noexcept;

private:
    const char* const kind_;
    const Pace pace_;
    std::string parts_;  ///< the peer, how long the path is, and the path, with NULs between them
};

/// What causes a line.
struct Cause {
    const Address* peer = nullptr;
    Pace pace = Pace::often;
    std::string_view path;
};

/// `format` takes `arguments` as for spdlog. Writes nothing if memory is short.
void log_of(const Cause& cause, spdlog::level::level_enum level, fmt::string_view format,
            fmt::format_args arguments) noexcept;

/// A literal and its arguments: `warn_of(peer.address, "{} sent nonsense", peer)`.
template <class... Arguments>
using PeerFormat = fmt::format_string<const Arguments&...>;

template <class... Arguments>
void info_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
             const Arguments&... arguments) noexcept {
    log_of({.peer = &peer}, spdlog::level::info, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void warn_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
             const Arguments&... arguments) noexcept {
    log_of({.peer = &peer}, spdlog::level::warn, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void error_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
              const Arguments&... arguments) noexcept {
    log_of({.peer = &peer}, spdlog::level::err, format, fmt::make_format_args(arguments...));
}

/// About a path that the peer names: lines about one path do not hold back those about others.
template <class... Arguments>
void info_about(const Address& peer, std::string_view path,
                std::type_identity_t<PeerFormat<Arguments...>> format,
                const Arguments&... arguments) noexcept {
    log_of({.peer = &peer, .path = path}, spdlog::level::info, format,
           fmt::make_format_args(arguments...));
}

template <class... Arguments>
void warn_about(const Address& peer, std::string_view path,
                std::type_identity_t<PeerFormat<Arguments...>> format,
                const Arguments&... arguments) noexcept {
    log_of({.peer = &peer, .path = path}, spdlog::level::warn, format,
           fmt::make_format_args(arguments...));
}

/// Advice: the peer gets along as it is, or will try again and again.
template <class... Arguments>
void info_rarely_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
                    const Arguments&... arguments) noexcept {
    log_of({.peer = &peer, .pace = Pace::rarely}, spdlog::level::info, format,
           fmt::make_format_args(arguments...));
}

template <class... Arguments>
void warn_rarely_of(const Address& peer, std::type_identity_t<PeerFormat<Arguments...>> format,
                    const Arguments&... arguments) noexcept {
    log_of({.peer = &peer, .pace = Pace::rarely}, spdlog::level::warn, format,
           fmt::make_format_args(arguments...));
}

template <class... Arguments>
void warn_rarely_about(const Address& peer, std::string_view path,
                       std::type_identity_t<PeerFormat<Arguments...>> format,
                       const Arguments&... arguments) noexcept {
    log_of({.peer = &peer, .pace = Pace::rarely, .path = path}, spdlog::level::warn, format,
           fmt::make_format_args(arguments...));
}

/// Lines that come often, where no peer is known.
template <class... Arguments>
void warn_often(std::type_identity_t<PeerFormat<Arguments...>> format,
                const Arguments&... arguments) noexcept {
    log_of({}, spdlog::level::warn, format, fmt::make_format_args(arguments...));
}

template <class... Arguments>
void error_often(std::type_identity_t<PeerFormat<Arguments...>> format,
                 const Arguments&... arguments) noexcept {
    log_of({}, spdlog::level::err, format, fmt::make_format_args(arguments...));
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
