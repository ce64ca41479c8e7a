#include "server/config_file.hpp"

#include <vector>

#include <toml++/toml.h>

#include "rpc/text/nearest.hpp"
#include "server/input_file.hpp"

namespace berth::server {

namespace {

using commands::Option;
using commands::Shape;
using commands::Value;

std::string place_of(const std::string& path, const toml::source_region& where) {
    const auto line = where.begin.line > 0 ? ":" + std::to_string(where.begin.line) : "";
    return path + line + ": ";
}

/// One key of the file.
class Entry {
public:
    Entry(const std::string& path, const Option& option) : path_(path), option_(option) {}

    [[nodiscard]] std::vector<Value> values(const toml::node& node) const {
        if (option_.shape == Shape::flag) return {of_flag(node)};
        if (option_.shape == Shape::one) return {of_one(node, "a string or a number")};
        const std::string expected = "a string or a list of strings";
        const auto* const list = node.as_array();
        if (list == nullptr) return {of_one(node, expected)};
        if (list->empty()) refuse(node, "at least one; leave the key out for the default");
        std::vector<Value> values;
        for (const auto& item : *list) values.push_back(of_one(item, expected));
        return values;
    }

private:
    [[nodiscard]] Value of_flag(const toml::node& node) const {
        const auto* const flag = node.as_boolean();
        if (flag == nullptr) refuse(node, "true or false");
        return value(flag->get() ? "true" : "false", node);
    }

    [[nodiscard]] Value of_one(const toml::node& node, const std::string& expected) const {
        if (const auto* const text = node.as_string()) return value(text->get(), node);
        const auto* const number = node.as_integer();
        if (number == nullptr || option_.is_operand()) refuse(node, expected);
        return value(std::to_string(number->get()), node);
    }

    [[nodiscard]] Value value(std::string text, const toml::node& node) const {
        if (text.find('\0') != std::string::npos) refuse(node, "a text without NUL");
        auto place = place_of(path_, node.source()) + std::string{option_.key()} + " = " + text;
        auto source = place_of(path_, node.source());
        source.resize(source.size() - 2);  // without ": "
        return {std::move(text), std::move(place), std::move(source)};
    }

    [[noreturn]] void refuse(const toml::node& node, const std::string& expected) const {
        throw UsageError(place_of(path_, node.source()) + "'" + std::string{option_.key()} +
                         "' expects " + expected);
    }

    const std::string& path_;
    const Option& option_;
};

const Option* find(const commands::Row& row, std::string_view key) {
    for (const auto& option : row.options)
        if (option.key() == key && key != "config") return &option;
    return nullptr;
}

std::string unknown(const commands::Row& row, std::string_view key) {
    std::vector<std::string_view> known;
    for (const auto& option : row.options)
        if (option.key() != "config") known.push_back(option.key());
    return "there is no option '" + std::string{key} + "'" + text::suggestion(key, known);
}

}  // namespace

commands::Given given_by_config_file(const std::string& path, Reading reading,
                                     const commands::Row& row) {
    toml::table table;
    try {
        table = toml::parse(contents_of(path, reading), path);
    } catch (const toml::parse_error& error) {
        throw UsageError(place_of(path, error.source()) + std::string{error.description()});
    }
    commands::Given given;
    for (const auto& [key, node] : table) {
        const auto* const option = find(row, key.str());
        if (option == nullptr)
            throw UsageError(place_of(path, key.source()) + unknown(row, key.str()));
        given[option->name] = Entry{path, *option}.values(node);
    }
    return given;
}

}  // namespace berth::server
