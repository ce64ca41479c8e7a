#include "server/config_file.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include <toml++/toml.h>

#include "server/options.hpp"

namespace berth::server {

namespace {

[[noreturn]] void refuse(const std::string& path, const toml::source_region& where,
                         const std::string& what) {
    const auto line = where.begin.line > 0 ? ":" + std::to_string(where.begin.line) : "";
    throw UsageError(path + line + ": " + what);
}

/// A string, number or boolean as the command line would have it.
std::string text_of(const std::string& path, const std::string& key, const toml::node& value) {
    if (const auto* text = value.as_string()) return text->get();
    if (const auto* number = value.as_integer()) return std::to_string(number->get());
    refuse(path, value.source(), "'" + key + "' expects a string or a number");
}

void add(std::vector<std::string>& arguments, const std::string& path, const std::string& key,
         const toml::node& value) {
    const bool is_list = key == "directories" || key == "memory";
    if (is_list ||
        (value.is_array() && (key == "exports" || key == "map-uid" || key == "map-gid"))) {
        const auto* list = value.as_array();
        if (list == nullptr)
            refuse(path, value.source(), "'" + key + "' expects a list of strings");
        for (const auto& item : *list) {
            const auto* text = item.as_string();
            if (text == nullptr)
                refuse(path, item.source(), "'" + key + "' expects a list of strings");
            arguments.push_back(key == "directories" ? text->get()
                                                     : "--" + key + "=" + text->get());
        }
        return;
    }
    if (const auto* flag = value.as_boolean()) {
        constexpr std::array flags{"read-only", "sync", "async", "manage-gids"};
        if (std::ranges::find(flags, key) == flags.end())
            refuse(path, value.source(), "'" + key + "' expects a string or a number");
        if (flag->get()) arguments.push_back("--" + key);
        return;
    }
    arguments.push_back("--" + key + "=" + text_of(path, key, value));
}

}  // namespace

std::vector<std::string>
arguments_of_config_file(const std::string& path,
                         const std::function<Key(const std::string&)>& judge) {
    toml::table table;
    try {
        table = toml::parse_file(path);
    } catch (const toml::parse_error& error) {
        refuse(path, error.source(), std::string{error.description()});
    }
    std::vector<std::string> arguments;
    for (const auto& [key, value] : table) {
        const std::string name{key.str()};
        const auto judged = judge(name);
        if (judged == Key::unknown) refuse(path, key.source(), "there is no option '" + name + "'");
        std::vector<std::string> of_key;
        add(of_key, path, name, value);
        if (judged == Key::open) arguments.insert(arguments.end(), of_key.begin(), of_key.end());
    }
    return arguments;
}

}  // namespace berth::server
