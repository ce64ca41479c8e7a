#include "nfs/exports/reasons.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "nfs/vfs/mounts.hpp"

namespace berth::exports::reasons {
namespace {

bool is_of_command_line(const SourcePlace& where) {
    return where.line == 0;
}

}  // namespace

std::string entry(const Export& exported, const ClientRule& rule) {
    auto text = rule.client.text() + " of " + exported.path;
    if (const auto where = rule.where.text(); !where.empty()) text += " (" + where + ")";
    return text;
}

std::string way_to_allow(const Export& exported) {
    const auto rules = exported.clients.all();
    const auto where = rules.empty() ? SourcePlace{} : rules.front().where;
    if (where.file == place_of_default_clients)
        return "--clients says who may mount; by default private addresses alone may";
    if (is_of_command_line(where)) return "--clients says who may mount";
    return "add it to " + exported.path + " in " + where.file + ", and send SIGHUP";
}

std::string paths_of(const Table& exports) {
    constexpr std::size_t shown_max = 3;
    std::string text;
    std::size_t count = 0;
    for (const auto& exported : exports.all()) {
        if (exported.is_nested) continue;
        if (++count > shown_max) continue;
        text += (text.empty() ? "" : ", ") + exported.path;
    }
    if (count > shown_max) text += " and " + std::to_string(count - shown_max) + " more";
    return text;
}

std::string mount_point_in(const Match& match) {
    if (match.found->files == nullptr || match.rest.empty()) return {};
    const auto root = match.found->files->mount_place();
    if (!root) return {};
    std::unordered_set<std::string> points;
    for (auto& mount : vfs::read_mounts()) points.insert(std::move(mount.point));
    auto place = root->path == "/" ? "" : root->path;
    auto shown = match.found->path == "/" ? "" : match.found->path;
    for (std::string_view way = match.rest; !way.empty();) {
        const auto name = way.substr(0, way.find('/'));
        way.remove_prefix(std::min(name.size() + 1, way.size()));
        place += "/" + std::string{name};
        shown += "/" + std::string{name};
        if (points.contains(place)) return shown;
    }
    return {};
}

}  // namespace berth::exports::reasons
