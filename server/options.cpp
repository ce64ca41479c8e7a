#include "server/options.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/text/nearest.hpp"
#include "server/commands/given.hpp"
#include "server/commands/help.hpp"
#include "server/commands/parser.hpp"
#include "server/commands/table.hpp"
#include "server/config_file.hpp"

namespace berth::server {
namespace {

using commands::Given;

/// What is about DIR and --memory must not be ignored silently if there are neither.
void refuse_idle_options(const Given& given, const ServeOptions& options) {
    if (!options.directories.empty() || !options.memory_names.empty()) return;
    constexpr std::array<std::string_view, 8> names{"clients", "read-only", "squash", "anon",
                                                    "map-uid", "map-gid",   "sync",   "async"};
    for (const auto name : names)
        if (const auto found = given.find(name); found != given.end())
            throw UsageError(found->second.front().place +
                             ": that is about DIR and --memory, and there are none; an exports "
                             "file says so for each client");
}

CommandLine take_all(Given given, const commands::Row& row, Reading reading) {
    CommandLine parsed;
    parsed.command = row.command;
    commands::add_weaker(given, commands::given_by_environment(row), row);
    if (const auto config = given.find("config"); config != given.end()) {
        const auto& file = config->second.back();
        if (file.text.empty()) throw UsageError(file.place + ": expected a file");
        commands::add_weaker(given, given_by_config_file(file.text, reading, row), row);
    }
    commands::take(given, row, parsed);
    if (row.command != Command::serve) return parsed;
    parsed.serve.reading = reading;
    parsed.serve.doubts = commands::unknown_variables();
    refuse_idle_options(given, parsed.serve);
    return parsed;
}

}  // namespace

CommandLine parse_command_line(int argument_count, const char* const* arguments, Reading reading) {
    auto typed = commands::parse(argument_count, arguments);
    if (!typed.asks_for_help) return take_all(std::move(typed.given), *typed.row, reading);
    CommandLine parsed;
    parsed.topic = std::move(typed.topic);
    return parsed;
}

std::string with_place(const Places& places, const std::string& path) {
    const auto place = places.find(path);
    return place == places.end() ? path : place->second + ": " + path;
}

std::string help_about(const std::string& topic) {
    if (topic.empty()) return commands::overview();
    std::string text;
    std::vector<std::string_view> names;
    for (const auto& row : commands::all()) {
        names.push_back(row.name);
        const bool is_part = row.name.starts_with(topic + " ");
        if (row.name == topic || is_part)
            text += (text.empty() ? "" : "\n") + commands::help_of(row);
    }
    if (text.empty())
        throw UsageError("berth has no command '" + topic + "'" + text::suggestion(topic, names));
    return text;
}

}  // namespace berth::server
