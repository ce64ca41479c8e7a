#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "packaging/documents.hpp"
#include "server/commands/table.hpp"

namespace berth::packaging {
namespace {

using server::commands::Option;
using server::commands::Row;
using server::commands::Shape;

/// How the value of an option is completed.
enum class Completed : std::uint8_t { none, words, files, directories };

Completed kind_of(const Option& option) {
    if (option.value == "FILE") return Completed::files;
    if (option.value == "DIR" || option.value == "PATH") return Completed::directories;
    return option.value.find('|') != std::string_view::npos ? Completed::words : Completed::none;
}

/// "a b c" of "a|b|c".
std::string words_of(const Option& option) {
    std::string words{option.value};
    std::ranges::replace(words, '|', ' ');
    return words;
}

/// The words that may follow `berth PREFIX`, as commands.
std::string words_after(std::string_view prefix) {
    std::set<std::string_view> words;
    for (const auto& row : server::commands::all()) {
        auto name = row.name;
        if (!prefix.empty()) {
            if (!name.starts_with(prefix) || name.size() <= prefix.size() ||
                name[prefix.size()] != ' ')
                continue;
            name.remove_prefix(prefix.size() + 1);
        }
        words.insert(name.substr(0, name.find(' ')));
    }
    std::string text;
    for (const auto word : words) text += (text.empty() ? "" : " ") + std::string{word};
    return text;
}

std::string flags_of(const Row& row) {
    std::string text;
    for (const auto& option : row.options)
        if (!option.is_operand()) text += option.written() + " ";
    return text + "--help";
}

/// The first words of commands that have two.
std::vector<std::string> first_words() {
    std::vector<std::string> words;
    for (const auto& row : server::commands::all()) {
        const auto space = row.name.find(' ');
        if (space == std::string_view::npos) continue;
        const std::string first{row.name.substr(0, space)};
        if (std::ranges::find(words, first) == words.end()) words.push_back(first);
    }
    return words;
}

bool takes_paths(const Row& row) {
    return std::ranges::any_of(row.options, [](const Option& option) {
        return option.is_operand() && kind_of(option) != Completed::none;
    });
}

std::string bash_values() {
    std::set<std::string> cases;
    for (const auto& row : server::commands::all())
        for (const auto& option : row.options) {
            if (option.is_operand() || option.shape == Shape::flag) continue;
            const auto head = "        " + option.written() + ") ";
            switch (kind_of(option)) {
            case Completed::words:
                cases.insert(head + "COMPREPLY=($(compgen -W '" + words_of(option) +
                             "' -- \"$current\")); return ;;\n");
                break;
            case Completed::files:
                cases.insert(head + "COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n");
                break;
            case Completed::directories:
                cases.insert(head + "COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n");
                break;
            case Completed::none: cases.insert(head + "return ;;\n"); break;
            }
        }
    std::string text;
    for (const auto& one : cases) text += one;
    return text;
}

std::string in_quotes(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') out += "'\\'";
        out += c;
    }
    return "'" + out + "'";
}

std::string zsh_argument(const Option& option) {
    auto summary = std::string{option.summary};
    std::ranges::replace(summary, ':', ' ');
    std::string action;
    switch (kind_of(option)) {
    case Completed::words: action = "(" + words_of(option) + ")"; break;
    case Completed::files: action = "_files"; break;
    case Completed::directories: action = "_files -/"; break;
    case Completed::none: break;
    }
    if (option.is_operand())
        return in_quotes((option.shape == Shape::many ? "*:" : ":") + std::string{option.name} +
                         ":" + action);
    auto text = (option.shape == Shape::many ? "*" : "") + option.written();
    text += option.shape == Shape::flag
                ? "[" + summary + "]"
                : "[" + summary + "]:" + std::string{option.value} + ":" + action;
    return in_quotes(text);
}

}  // namespace

std::string bash_completion() {
    std::string text =
        "# Completion of berth in bash.\n_berth() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=\n"
        "    COMPREPLY=()\n    case $previous in\n" +
        bash_values() +
        "    esac\n    if ((COMP_CWORD == 1)); then\n"
        "        COMPREPLY=($(compgen -W '" +
        words_after({}) +
        " --help --version' -- \"$current\"))\n        return\n    fi\n"
        "    command=${COMP_WORDS[1]}\n    case $command in\n";
    for (const auto& first : first_words())
        text += "        " + first +
                ")\n            if ((COMP_CWORD == 2)) && [[ $current != -* ]]; then\n"
                "                COMPREPLY=($(compgen -W '" +
                words_after(first) +
                "' -- \"$current\"))\n                return\n            fi\n"
                "            [[ ${COMP_WORDS[2]} == -* ]] || command+=\" ${COMP_WORDS[2]}\"\n"
                "            ;;\n";
    text += "    esac\n    case $command in\n";
    for (const auto& row : server::commands::all()) {
        text += "        '" + std::string{row.name} +
                "')\n            if [[ $current == -* ]]; then\n"
                "                COMPREPLY=($(compgen -W '" +
                flags_of(row) + "' -- \"$current\"))\n            else\n                ";
        if (row.command == server::Command::help)
            text += "COMPREPLY=($(compgen -W '" + words_after({}) + "' -- \"$current\"))\n";
        else
            text += takes_paths(row) ? "COMPREPLY=($(compgen -f -- \"$current\"))\n" : ":\n";
        text += "            fi\n            ;;\n";
    }
    return text + "    esac\n}\ncomplete -o filenames -F _berth berth\n";
}

std::string zsh_completion() {
    std::string text = "#compdef berth\n# Completion of berth in zsh.\n_berth() {\n"
                       "    local command=$words[2]\n"
                       "    if ((CURRENT == 2)); then\n        compadd -- " +
                       words_after({}) +
                       " --help --version\n        return\n    fi\n    case $command in\n";
    for (const auto& first : first_words())
        text +=
            "        " + first +
            ")\n            if ((CURRENT == 3)); then\n                compadd -- " +
            words_after(first) +
            "\n                [[ $words[3] == -* ]] || return\n            fi\n"
            "            [[ $words[3] == -* ]] || command=\"$command $words[3]\"\n            ;;\n";
    text +=
        "    esac\n    shift words; ((CURRENT -= 1))\n"
        "    [[ $command == *' '* ]] && { shift words; ((CURRENT -= 1)) }\n    case $command in\n";
    for (const auto& row : server::commands::all()) {
        text += "        '" + std::string{row.name} + "')\n            _arguments";
        for (const auto& option : row.options)
            text += " \\\n                " + zsh_argument(option);
        text += " \\\n                '--help[say how it is used]'\n            ;;\n";
    }
    return text + "    esac\n}\n_berth \"$@\"\n";
}

std::string fish_completion() {
    std::string text = "# Completion of berth in fish.\ncomplete -c berth -f\n";
    const auto only = [](std::string_view condition) {
        return "complete -c berth -n " + in_quotes(condition);
    };
    std::set<std::string> seen;
    for (const auto& row : server::commands::all()) {
        const auto space = row.name.find(' ');
        const std::string first{row.name.substr(0, space)};
        if (seen.insert(first).second)
            text += only("__fish_use_subcommand") + " -a " + first + " -d " +
                    in_quotes(space == std::string_view::npos ? row.summary : first) + "\n";
        std::string condition = "__fish_seen_subcommand_from " + first;
        if (space != std::string_view::npos) {
            const std::string second{row.name.substr(space + 1)};
            const auto seen_second = "__fish_seen_subcommand_from " + second;
            auto only_first = condition;
            only_first += "; and not ";
            only_first += seen_second;
            text += only(only_first) + " -a " + second + " -d " + in_quotes(row.summary) + "\n";
            condition += "; and " + seen_second;
        }
        if (takes_paths(row)) text += only(condition) + " -F\n";
        for (const auto& option : row.options) {
            if (option.is_operand()) continue;
            text += only(condition) + " -l " + std::string{option.name} + " -d " +
                    in_quotes(option.summary);
            const auto kind = kind_of(option);
            if (option.shape != Shape::flag) text += " -x";
            if (kind == Completed::words) text += " -a " + in_quotes(words_of(option));
            if (kind == Completed::files) text += " -a '(__fish_complete_path)'";
            if (kind == Completed::directories) text += " -a '(__fish_complete_directories)'";
            text += "\n";
        }
    }
    return text;
}

}  // namespace berth::packaging
