#include "server/commands/help.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "server/version.hpp"

namespace berth::server::commands {
namespace {

constexpr std::size_t line_bytes_max = 79;
constexpr std::size_t text_column = 30;

/// The words of `text` in lines, from this column on.
std::string wrapped(std::string_view text, std::size_t column) {
    std::string lines;
    auto at = column;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        const bool is_first = at == column;
        if (!is_first && at + 1 + word.size() > line_bytes_max) {
            lines += "\n" + std::string(column, ' ');
            at = column;
        } else if (!is_first) {
            lines += ' ';
            ++at;
        }
        lines += word;
        at += word.size();
    }
    return lines + "\n";
}

std::string described(std::string head, std::string_view text) {
    head = "  " + head;
    if (head.size() + 2 > text_column)
        head += "\n" + std::string(text_column, ' ');
    else
        head.resize(text_column, ' ');
    return head + wrapped(text, text_column);
}

std::string described(const Option& option) {
    auto head = option.written();
    if (!option.is_operand() && !option.value.empty()) head += " " + std::string{option.value};
    auto text = std::string{option.summary};
    if (!option.fallback.empty()) text += " [" + std::string{option.fallback} + "]";
    return described(std::move(head), text);
}

}  // namespace

std::string overview() {
    auto text = "berth " + std::string{version} +
                ": exports directories over NFSv3.\n\nUsage: berth COMMAND [ARGUMENT...]\n\n";
    for (const auto& row : all()) text += described(std::string{row.name}, row.summary);
    return text + "\nTo begin: 'berth serve DIR'. 'berth help COMMAND' explains one command, and\n"
                  "berth(8) all of them. -V or --version says which this is.\n";
}

std::string help_of(const Row& row) {
    auto text = "Usage: " + usage_of(row) + "\n\n" + wrapped(row.summary, 0);
    if (!row.details.empty()) text += "\n" + wrapped(row.details, 0);
    for (const auto topic : {Topic::exports, Topic::network, Topic::identity, Topic::ceilings,
                             Topic::state, Topic::faults, Topic::log, Topic::other}) {
        std::string options;
        for (const auto& option : row.options)
            if (option.topic == topic) options += described(option);
        if (topic == Topic::other) options += described("-h, --help", "say this");
        if (!options.empty()) text += "\n" + std::string{title_of(topic)} + ":\n" + options;
    }
    return text;
}

}  // namespace berth::server::commands
