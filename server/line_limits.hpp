// Limits how many lines of one kind, and of one kind from one peer, the log accepts per minute.
// Further lines are counted, and one line reports their number at the end of the minute. Lines that
// come rarely (rpc::Pace) are accepted once an hour for each peer, and not counted. All threads
// that log share it; locks itself.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/thread/synchronized_value.hpp>
#include <spdlog/common.h>

#include "rpc/peer_log.hpp"

namespace berth::server {

class LineLimits {
public:
    using Time = std::chrono::steady_clock::time_point;
    struct Options {
        std::uint64_t of_peer_max = 3;    ///< lines of one kind in one window, about one path
        std::uint64_t of_paths_max = 10;  ///< about all paths of a peer
        std::uint64_t of_kind_max = 30;   ///< from all peers
        std::chrono::seconds window{60};
        std::chrono::seconds between_rare{3600};  ///< of one kind and peer
        std::size_t rare_max = 4096;              ///< the most that are remembered
    };
    /// The lines that a window held back, once it is over.
    struct Summary {
        spdlog::level::level_enum level{};
        std::string text;
    };

    explicit LineLimits(const Options& options) : options_(options) {}

    /// Whether the line may be written; if not, it is counted. Throws std::bad_alloc.
    [[nodiscard]] bool admits(const rpc::PeerLine& line, spdlog::level::level_enum level,
                              std::string_view text, Time now);
    /// The summaries of windows that are over by `now`, which are forgotten. Throws std::bad_alloc.
    [[nodiscard]] std::vector<Summary> take_summaries(Time now);
    /// When the next window ends, if there is one.
    [[nodiscard]] std::optional<Time> next_end() const;

private:
    /// The kind is identified by the address of the format. The peer "*" stands for all peers
    /// together, no path for all paths of the peer.
    struct Key {
        const char* kind;
        std::string peer;
        std::string path;
        // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
        auto operator<=>(const Key&) const = default;
    };
    struct Window {
        Time begin;
        std::uint64_t written = 0;
        std::uint64_t held_back = 0;
        spdlog::level::level_enum level{};
        std::string example;             ///< the first line held back, or its beginning
        std::vector<std::string> paths;  ///< other paths of those held back, a few
    };
    using Windows = std::map<Key, Window>;
    struct Known {
        // A peer gets a window when a line about it is written, so there are few: of_kind_max per
        // kind.
        Windows windows;
        std::map<Key, Time> rare;  ///< when the line was last written
    };

    static Window& window_of(Windows& windows, Key key, Time now);
    static void hold_back(Window& window, const rpc::PeerLine& line,
                          spdlog::level::level_enum level, std::string_view text);
    [[nodiscard]] static std::string summary_of(const Key& key, const Window& window);
    [[nodiscard]] bool is_too_soon(const Known& known, const Key& key, Time now) const;
    void remember(Known& known, Key key, Time now) const;

    const Options options_;
    boost::synchronized_value<Known, std::mutex> known_;
};

}  // namespace berth::server
