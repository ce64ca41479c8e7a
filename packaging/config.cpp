#include <string_view>

#include "packaging/documents.hpp"
#include "server/commands/table.hpp"

namespace berth::packaging {
namespace {

using server::commands::Option;
using server::commands::Shape;

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Where neither the default nor the table says what somebody could write.
struct Example {
    std::string_view key;
    std::string_view value;
};
constexpr Example examples[] = {
    {"directories", "/srv/data"},
    {"clients", "192.0.2.0/24"},
    {"exports", "/etc/exports"},
    {"memory", "scratch"},
    {"map-uid", "1000-1999:101000"},
    {"map-gid", "1000-1999:101000"},
    {"listen", ":2049"},
    {"threads", "4"},
    {"memory-max", "512M"},
    {"connections-max", "1000"},
    {"state", "/var/lib/berth"},
    {"fault", "RENAME first=1 drop=reply"},
    {"faults", "/etc/berth/faults.toml"},
};

/// A value to begin with: the default where it is one word.
std::string value_of(const Option& option) {
    if (option.shape == Shape::flag) return option.fallback == "on" ? "true" : "false";
    std::string text{option.fallback};
    for (const auto& example : examples)
        if (example.key == option.key()) text = example.value;
    if (option.shape == Shape::many) return "[\"" + text + "\"]";
    return is_number(text) ? text : "\"" + text + "\"";
}

}  // namespace

std::string example_config() {
    std::string text =
        "# The configuration of berth; see berth.toml(5). Without directories, memory and exports,\n"
        "# /etc/exports says what is exported.\n";
    auto topic = server::commands::Topic::other;
    for (const auto& option : server::commands::serve_options()) {
        if (option.key() == "config" || option.name == "no-grace" || option.name == "async")
            continue;
        if (option.topic != topic)
            text += "\n## " + std::string{server::commands::title_of(option.topic)} + "\n";
        topic = option.topic;
        text += "\n# " + std::string{option.summary};
        if (!option.fallback.empty()) text += " [" + std::string{option.fallback} + "]";
        text += "\n#" + std::string{option.key()} + " = " + value_of(option) + "\n";
    }
    return text;
}

}  // namespace berth::packaging
