#include "server/reloading.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "server/privileges.hpp"

namespace berth::server {

namespace {

/// Options that differ and that a running server can't change.
std::string needs_restart(const ServeOptions& now, const ServeOptions& next) {
    std::string names;
    const auto note = [&](bool is_same, const char* name) {
        if (!is_same) names += (names.empty() ? "" : ", ") + std::string{name};
    };
    note(now.listen == next.listen, "listen");
    note(now.portmap == next.portmap, "portmap");
    note(now.threads == next.threads, "threads");
    note(now.workers == next.workers, "workers");
    note(now.state == next.state, "state");
    note(now.grace == next.grace, "grace");
    note(now.manages_groups == next.manages_groups, "manage-gids");
    note(now.idle_max == next.idle_max, "idle-max");
    note(now.memory_max == next.memory_max, "memory-max");
    note(now.connections_max == next.connections_max, "connections-max");
    note(now.faults == next.faults, "fault");
    note(now.fault_files == next.fault_files, "faults");
    note(now.log_format == next.log_format, "log-format");
    // Calls are traced from the start or not at all.
    note((now.log_level == "trace") == (next.log_level == "trace"), "log-level");
    return names;
}

std::set<std::string> paths_of(const exports::Table& table) {
    std::set<std::string> paths;
    for (const auto& exported : table.all()) paths.insert(exported.path);
    return paths;
}

std::string counted(std::size_t exports) {
    return std::to_string(exports) + (exports == 1 ? " export" : " exports");
}

}  // namespace

std::string status_of(const exports::Table& exports) {
    const auto count = paths_of(exports).size();
    if (count == 0) return "serves, but nothing is exported";
    return "serves " + counted(count);
}

void Reloading::reload() {
    manager_.rereading();
    std::string refused;
    try {
        apply(reread_());
    } catch (const std::exception& error) {
        spdlog::error("reload refused, nothing has changed: {}", error.what());
        refused = ", as before the last reload, which was refused: the log says why";
    }
    manager_.serving(status_of(*exports_.pin(this)) + refused);
}

void Reloading::look_again() {
    const auto asked = following_.take();
    try {
        if (const auto opening = trees_.look_again(asked.paths)) replace(*opening);
    } catch (const std::exception& error) {
        spdlog::error("exports, and what is mounted below them, stay as they were: {}",
                      error.what());
    }
    following_.answer(asked, trees_.places());
}

void Reloading::apply(const ServeOptions& next) {
    check_(next);
    const auto opening = trees_.open(next);
    refuse_root_for_everybody(opening);
    replace(opening);
    spdlog::set_level(spdlog::level::from_str(next.log_level));
    if (const auto names = needs_restart(options_, next); !names.empty())
        spdlog::warn("these options take effect with a restart only: {}", names);
    for (const auto& doubt : next.doubts) spdlog::warn("{}", doubt);
    following_.answer(following_.take(), trees_.places());
    names_.begin(*exports_.pin(this));
    const auto count = paths_of(*exports_.pin(this)).size();
    if (count == 0) spdlog::warn("nothing is exported any more");
    spdlog::info("reloaded: {}", counted(count));
}

void Reloading::replace(const ExportTrees::Opening& opening) {
    const auto before = paths_of(*exports_.pin(this));
    exports_.replace(opening.exports);
    for (const auto& path : trees_.keep(opening))
        spdlog::warn("{}: another directory is there now (replaced, or mounted "
                     "over): new mounts get it; handles of earlier mounts are "
                     "stale, so those clients must mount again",
                     path);
    const auto after = paths_of(*exports_.pin(this));
    for (const auto& path : before)
        if (!after.contains(path)) spdlog::info("{}: no longer exported", path);
    for (const auto& path : after)
        if (!before.contains(path)) spdlog::info("{}: exported now", path);
}

}  // namespace berth::server
