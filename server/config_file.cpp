#include "server/config_file.hpp"

#include <sstream>

#include <toml++/toml.h>

#include "server/input_file.hpp"
#include "server/options.hpp"

namespace berth::server {

namespace {

[[noreturn]] void refuse(const std::string& path, const toml::source_region& where,
                         const std::string& what) {
    const auto line = where.begin.line > 0 ? ":" + std::to_string(where.begin.line) : "";
    throw UsageError(path + line + ": " + what);
}

/// One key of the file, for messages.
struct Entry {
    const std::string& path;
    const std::string& name;

    [[noreturn]] void refuse(const toml::node& value, const std::string& expected) const {
        server::refuse(path, value.source(), "'" + name + "' expects " + expected);
    }
};

std::string argument(const std::string& name, const std::string& value) {
    return name == "directories" ? value : "--" + name + "=" + value;
}

std::vector<std::string> of_flag(const Entry& entry, const toml::node& value) {
    const auto* flag = value.as_boolean();
    if (flag == nullptr) entry.refuse(value, "true or false");
    return flag->get() ? std::vector{"--" + entry.name} : std::vector<std::string>{};
}

std::vector<std::string> of_one(const Entry& entry, const toml::node& value) {
    if (const auto* text = value.as_string()) return {argument(entry.name, text->get())};
    if (const auto* number = value.as_integer())
        return {argument(entry.name, std::to_string(number->get()))};
    entry.refuse(value, "a string or a number");
}

std::vector<std::string> of_many(const Entry& entry, const toml::node& value) {
    const std::string expected = "a string or a list of strings";
    if (const auto* text = value.as_string()) return {argument(entry.name, text->get())};
    const auto* list = value.as_array();
    if (list == nullptr) entry.refuse(value, expected);
    std::vector<std::string> arguments;
    for (const auto& item : *list) {
        const auto* text = item.as_string();
        if (text == nullptr) entry.refuse(item, expected);
        arguments.push_back(argument(entry.name, text->get()));
    }
    return arguments;
}

std::vector<std::string> arguments_of(const Entry& entry, Shape shape, const toml::node& value) {
    switch (shape) {
    case Shape::flag: return of_flag(entry, value);
    case Shape::one: return of_one(entry, value);
    case Shape::many: break;
    }
    return of_many(entry, value);
}

}  // namespace

std::vector<std::string>
arguments_of_config_file(const std::string& path, Reading reading,
                         const std::function<std::optional<Key>(const std::string&)>& judge) {
    toml::table table;
    try {
        table = toml::parse(contents_of(path, reading), path);
    } catch (const toml::parse_error& error) {
        refuse(path, error.source(), std::string{error.description()});
    }
    std::vector<std::string> arguments;
    for (const auto& [key, value] : table) {
        const std::string name{key.str()};
        const auto judged = judge(name);
        if (!judged) refuse(path, key.source(), "there is no option '" + name + "'");
        const auto of_key = arguments_of({path, name}, judged->shape, value);
        if (!judged->is_given) arguments.insert(arguments.end(), of_key.begin(), of_key.end());
    }
    return arguments;
}

}  // namespace berth::server
