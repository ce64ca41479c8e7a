#include "server/line_limits.hpp"

#include <spdlog/fmt/fmt.h>

namespace berth::server {
namespace {

constexpr const char* all_peers = "*";
constexpr std::size_t example_bytes_max = 300;

}  // namespace

bool LineLimits::admits(const rpc::PeerLine& line, spdlog::level::level_enum level,
                        std::string_view text, Time now) {
    auto windows = windows_.synchronize();
    // The peer's window first: lines that it holds back must not count against other peers.
    const auto known = windows->find({line.kind, line.peer});
    if (known != windows->end() && known->second.written >= options_.of_peer_max) {
        hold_back(known->second, level, text);
        return false;
    }
    auto& all = window_of(*windows, {line.kind, all_peers}, now);
    if (all.written >= options_.of_kind_max) {
        hold_back(all, level, text);
        return false;
    }
    ++window_of(*windows, {line.kind, line.peer}, now).written;
    ++all.written;
    return true;
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
    auto windows = windows_.synchronize();
    for (auto entry = windows->begin(); entry != windows->end();) {
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
        entry = windows->erase(entry);
    }
    return summaries;
}

std::optional<LineLimits::Time> LineLimits::next_end() const {
    auto windows = windows_.synchronize();
    std::optional<Time> first;
    for (const auto& [key, window] : *windows)
        if (!first || window.begin + options_.window < *first)
            first = window.begin + options_.window;
    return first;
}

}  // namespace berth::server
