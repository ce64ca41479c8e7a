#include "server/line_limits.hpp"

#include <algorithm>

#include <spdlog/fmt/fmt.h>

#include "rpc/text/quoted.hpp"

namespace berth::server {
namespace {

constexpr const char* all_peers = "*";
constexpr std::size_t example_bytes_max = 300;
constexpr std::size_t path_bytes_max = 200;
constexpr std::size_t paths_max = 8;  // in a summary

}  // namespace

bool LineLimits::admits(const rpc::PeerLine& line, spdlog::level::level_enum level,
                        std::string_view text, Time now) {
    const bool is_rare = line.pace == rpc::Pace::rarely;
    const Key of_path{line.kind, std::string{line.peer}, std::string{line.path}};
    const Key of_peer{line.kind, of_path.peer, {}};
    auto known = known_.synchronize();
    auto& windows = known->windows;
    // The peer's own lines come first: those that it holds back must not count against others.
    if (is_rare && is_too_soon(*known, of_path, now)) return false;
    const auto has_had = [&](const Key& key, std::uint64_t most) {
        const auto found = windows.find(key);
        if (found == windows.end() || found->second.written < most) return false;
        hold_back(found->second, line, level, text);
        return true;
    };
    if (has_had(of_path, options_.of_peer_max)) return false;
    const bool has_path = !line.path.empty();
    if (has_path && has_had(of_peer, options_.of_paths_max)) return false;
    auto& all = window_of(windows, {line.kind, all_peers, {}}, now);
    if (all.written >= options_.of_kind_max) {
        hold_back(all, line, level, text);
        return false;
    }
    if (is_rare) {
        remember(*known, of_path, now);
    } else {
        ++window_of(windows, of_path, now).written;
        if (has_path) ++window_of(windows, of_peer, now).written;
    }
    ++all.written;
    return true;
}

bool LineLimits::is_too_soon(const Known& known, const Key& key, Time now) const {
    const auto written = known.rare.find(key);
    return written != known.rare.end() && now - written->second < options_.between_rare;
}

void LineLimits::remember(Known& known, Key key, Time now) const {
    if (known.rare.size() >= options_.rare_max)
        std::erase_if(known.rare, [&](const auto& entry) {
            return now - entry.second >= options_.between_rare;
        });
    if (known.rare.size() >= options_.rare_max) known.rare.clear();
    known.rare.insert_or_assign(std::move(key), now);
}

LineLimits::Window& LineLimits::window_of(Windows& windows, Key key, Time now) {
    return windows.try_emplace(std::move(key), Window{.begin = now, .example = {}}).first->second;
}

void LineLimits::hold_back(Window& window, const rpc::PeerLine& line,
                           spdlog::level::level_enum level, std::string_view text) {
    if (window.held_back++ > 0) {
        const auto path = line.path.substr(0, path_bytes_max);
        if (window.paths.size() <= paths_max &&
            std::ranges::find(window.paths, path) == window.paths.end())
            window.paths.emplace_back(path);
        return;
    }
    window.level = level;
    window.paths.emplace_back(line.path.substr(0, path_bytes_max));
    window.example = text.substr(0, example_bytes_max);
    if (text.size() > example_bytes_max) window.example += "...";
}

std::string LineLimits::summary_of(const Key& key, const Window& window) {
    const auto from = key.peer.empty()        ? std::string{}
                      : key.peer == all_peers ? std::string{" from various hosts"}
                                              : " from " + key.peer;
    // The example has the first one.
    std::string paths;
    for (std::size_t at = 1; at < window.paths.size(); ++at)
        paths +=
            (at == 1 ? ", of " : ", ") +
            (at < paths_max ? fmt::format("{}", text::Quoted{window.paths[at]}) : "and others");
    return fmt::format("{} ({} more like this{}{})", window.example, window.held_back, from, paths);
}

std::vector<LineLimits::Summary> LineLimits::take_summaries(Time now) {
    std::vector<Summary> summaries;
    auto known = known_.synchronize();
    auto& windows = known->windows;
    for (auto entry = windows.begin(); entry != windows.end();) {
        const auto& [key, window] = *entry;
        if (now - window.begin < options_.window) {
            ++entry;
            continue;
        }
        if (window.held_back > 0) summaries.push_back({window.level, summary_of(key, window)});
        entry = windows.erase(entry);
    }
    return summaries;
}

std::optional<LineLimits::Time> LineLimits::next_end() const {
    auto known = known_.synchronize();
    std::optional<Time> first;
    for (const auto& [key, window] : known->windows)
        if (!first || window.begin + options_.window < *first)
            first = window.begin + options_.window;
    return first;
}

}  // namespace berth::server
