#include "server/line_limits.hpp"

#include <spdlog/fmt/fmt.h>

namespace berth::server {
namespace {

constexpr const char* all_peers = "*";
constexpr std::size_t example_bytes_max = 300;

}  // namespace

bool LineLimits::admits(const rpc::PeerLine& line, spdlog::level::level_enum level,
                        std::string_view text, Time now) {
    const bool is_rare = line.pace == rpc::Pace::rarely;
    Key key{line.kind, line.peer};
    auto known = known_.synchronize();
    auto& windows = known->windows;
    // What the peer has had first: lines that it holds back must not count against other peers.
    if (is_rare && is_too_soon(*known, key, now)) return false;
    const auto of_peer = windows.find(key);
    if (of_peer != windows.end() && of_peer->second.written >= options_.of_peer_max) {
        hold_back(of_peer->second, level, text);
        return false;
    }
    auto& all = window_of(windows, {line.kind, all_peers}, now);
    if (all.written >= options_.of_kind_max) {
        hold_back(all, level, text);
        return false;
    }
    if (is_rare)
        remember(*known, std::move(key), now);
    else
        ++window_of(windows, std::move(key), now).written;
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

void LineLimits::hold_back(Window& window, spdlog::level::level_enum level, std::string_view text) {
    if (window.held_back++ > 0) return;
    window.level = level;
    window.example = text.substr(0, example_bytes_max);
    if (text.size() > example_bytes_max) window.example += "...";
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
        const auto from = key.second.empty()        ? std::string{}
                          : key.second == all_peers ? std::string{" from various hosts"}
                                                    : " from " + key.second;
        if (window.held_back > 0)
            summaries.push_back(
                {window.level,
                 fmt::format("{} ({} more like this{})", window.example, window.held_back, from)});
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
