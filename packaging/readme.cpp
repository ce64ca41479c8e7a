#include <string_view>

#include "packaging/documents.hpp"
#include "server/commands/table.hpp"

namespace berth::packaging {
namespace {

std::string in_cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace

std::string readme_options() {
    std::string text = "| option | default | meaning |\n|---|---|---|\n";
    for (const auto& option : server::commands::serve_options()) {
        const auto value = option.is_operand() || option.value.empty()
                               ? std::string{}
                               : " " + std::string{option.value};
        text += "| `" + in_cell(option.written() + value) + "` | " + in_cell(option.fallback) +
                " | " + in_cell(option.summary) + " |\n";
    }
    return text;
}

}  // namespace berth::packaging
