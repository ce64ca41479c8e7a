#include "server/commands/given.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <unistd.h>

#include <fnmatch.h>

#include "rpc/text/nearest.hpp"

namespace berth::server::commands {
namespace {

constexpr std::string_view port_variable = "BERTH_PORT";

std::vector<Value> split(const std::string& name, std::string_view text, char separator) {
    std::vector<Value> values;
    for (std::size_t begin = 0;;) {
        const auto end = text.find(separator, begin);
        std::string one{text.substr(begin, end - begin)};
        values.push_back({one, std::string{name}.append("=").append(one), name});
        if (end == std::string_view::npos) return values;
        begin = end + 1;
    }
}

bool says_something_about(const Given& given, const Option& option) {
    return given.contains(option.name) ||
           (!option.opposite.empty() && given.contains(option.opposite));
}

/// Whether a service called berth has such a variable in Kubernetes, or a link of that name in
/// Docker.
bool is_of_service(const std::string& name, std::string_view value) {
    constexpr std::array patterns{"BERTH_SERVICE_HOST",
                                  "BERTH_SERVICE_PORT",
                                  "BERTH_SERVICE_PORT_*",
                                  "BERTH_PORT_[0-9]*_TCP*",
                                  "BERTH_PORT_[0-9]*_UDP*",
                                  "BERTH_PORT_[0-9]*_SCTP*",
                                  "BERTH_NAME",
                                  "BERTH_ENV_*"};
    if (name == port_variable) return value.find("://") != std::string_view::npos;
    return std::ranges::any_of(
        patterns, [&](const char* pattern) { return ::fnmatch(pattern, name.c_str(), 0) == 0; });
}

/// What to do about a variable that is no option.
std::string meant_by(const std::string& name, std::string_view value,
                     const std::vector<std::string>& own) {
    const bool is_number = value.find_first_not_of("0123456789") == std::string_view::npos;
    if (name == port_variable && is_number && !value.empty())
        return "; did you mean BERTH_LISTEN=:" + std::string{value} + "?";
    std::vector<std::string_view> known;
    known.reserve(own.size());
    for (const std::string_view one : own) known.push_back(one.substr(variable_prefix.size()));
    const auto meant = text::nearest(std::string_view{name}.substr(variable_prefix.size()), known);
    if (meant.empty()) return "; berth(8) lists those that are";
    return "; did you mean " + std::string{variable_prefix} + std::string{meant} + "?";
}

}  // namespace

Given given_by_environment(const Row& row) {
    Given given;
    for (const auto& option : row.options) {
        if (!has_variable(row, option)) continue;
        const auto name = option.variable();
        const char* const text = std::getenv(name.c_str());
        if (text == nullptr) continue;
        if (*text == '\0')
            throw UsageError(name + " is empty: unset it for the default, or give it a value");
        given[option.name] = option.shape == Shape::many
                                 ? split(name, text, option.separator)
                                 : std::vector<Value>{{text, name + "=" + text}};
    }
    return given;
}

std::vector<std::string> unknown_variables() {
    std::vector<std::string> own;
    for (const auto& option : serve_options()) own.push_back(option.variable());
    std::vector<std::string> sentences;
    for (char* const* at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view variable{*at};
        const auto equals = variable.find('=');
        if (!variable.starts_with(variable_prefix) || equals == std::string_view::npos) continue;
        const std::string name{variable.substr(0, equals)};
        const auto value = variable.substr(equals + 1);
        if (std::ranges::find(own, name) != own.end() || is_of_service(name, value)) continue;
        sentences.push_back(name + " is no option of berth, and changes nothing" +
                            meant_by(name, value, own));
    }
    return sentences;
}

void add_weaker(Given& stronger, const Given& weaker, const Row& row) {
    std::vector<const Option*> unsaid;
    for (const auto& option : row.options)
        if (!says_something_about(stronger, option)) unsaid.push_back(&option);
    for (const auto* option : unsaid)
        if (const auto found = weaker.find(option->name); found != weaker.end())
            stronger[option->name] = found->second;
}

void take(const Given& given, const Row& row, CommandLine& into) {
    for (const auto& option : row.options) {
        const auto found = given.find(option.name);
        if (found == given.end()) continue;
        if (!option.opposite.empty() && given.contains(option.opposite))
            throw UsageError(found->second.front().place + " and " +
                             given.at(option.opposite).front().place +
                             " contradict each other, or say the same twice");
        for (const auto& value : found->second) {
            into.source = value.source.empty() ? option.written() : value.source;
            const auto problem = option.take(into, value.text);
            if (!problem.empty()) throw UsageError(value.place + ": " + problem);
        }
    }
}

}  // namespace berth::server::commands
