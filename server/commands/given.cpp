#include "server/commands/given.hpp"

#include <cstdlib>

namespace berth::server::commands {
namespace {

// Several values of a variable are separated by commas.
std::vector<Value> split(const std::string& name, std::string_view text) {
    std::vector<Value> values;
    for (std::size_t begin = 0;;) {
        const auto end = text.find(',', begin);
        std::string one{text.substr(begin, end - begin)};
        values.push_back({one, std::string{name}.append("=").append(one)});
        if (end == std::string_view::npos) return values;
        begin = end + 1;
    }
}

bool says_something_about(const Given& given, const Option& option) {
    return given.contains(option.name) ||
           (!option.opposite.empty() && given.contains(option.opposite));
}

}  // namespace

Given given_by_environment(const Row& row) {
    Given given;
    if (!row.is_configured) return given;
    for (const auto& option : row.options) {
        const auto name = option.variable();
        const char* const text = std::getenv(name.c_str());
        if (text == nullptr || *text == '\0') continue;  // as most programs take an empty one
        given[option.name] = option.shape == Shape::many
                                 ? split(name, text)
                                 : std::vector<Value>{{text, name + "=" + text}};
    }
    return given;
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
            const auto problem = option.take(into, value.text);
            if (!problem.empty()) throw UsageError(value.place + ": " + problem);
        }
    }
}

}  // namespace berth::server::commands
