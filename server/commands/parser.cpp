#include "server/commands/parser.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "rpc/text/nearest.hpp"

namespace berth::server::commands {
namespace {

const Row& row_of(Command command) {
    for (const auto& row : all())
        if (row.command == command) return row;
    throw std::logic_error{"a command without a row"};
}

const std::string operand_mark = "\x01";

std::string first_word(std::string_view name) {
    return std::string{name.substr(0, name.find(' '))};
}

/// A command as CLI11 knows it, with the texts that it has read.
struct Reader {
    const Row* row;
    CLI::App* app;
    struct Of {
        const Option* option;
        CLI::Option* known;
        std::vector<std::string> texts;
    };
    std::deque<Of> options;
};

class Parser {
public:
    Parser() {
        app_.set_help_flag();
        app_.require_subcommand(0, 1);
        version_ = app_.add_flag("-V,--version");
        help_ = app_.add_flag("-h,--help");
        for (const auto& row : all()) add(row);
    }

    Typed parse(int argument_count, const char* const* arguments) {
        const auto typed_words = behind_mark(argument_count, arguments);
        std::vector<const char*> words;
        words.reserve(typed_words.size());
        for (const auto& word : typed_words) words.push_back(word.c_str());
        try {
            app_.parse(static_cast<int>(words.size()), words.data());
        } catch (const CLI::ParseError& error) {
            if (is_asked_for_help()) return typed();
            throw UsageError(explain(error));
        }
        return typed();
    }

private:
    /// The arguments, those behind "--" with a mark: CLI11 would still take them for options of
    /// commands below commands.
    static std::vector<std::string> behind_mark(int count, const char* const* arguments) {
        std::vector<std::string> words;
        bool are_operands = false;
        for (int at = 0; at < count; ++at) {
            const std::string word{arguments[at]};
            const auto equals = word.find('=');
            if (!are_operands && word.starts_with("--") && equals + 1 == word.size())
                throw UsageError(word +
                                 " is empty: leave it out for the default, or give it a value");
            if (!are_operands && word == "--")
                are_operands = true;
            else
                words.push_back(are_operands ? operand_mark + word : word);
        }
        return words;
    }

    static std::string without_mark(const std::string& word) {
        return word.starts_with(operand_mark) ? word.substr(operand_mark.size()) : word;
    }

    void add(const Row& row) {
        const auto space = row.name.find(' ');
        const auto first = first_word(row.name);
        auto* parent = &app_;
        auto name = std::string{row.name};
        if (space != std::string_view::npos) {
            parent = outer_[first];
            if (parent == nullptr) parent = outer_[first] = add_command(app_, first);
            name = std::string{row.name.substr(space + 1)};
        }
        auto* const app = add_command(*parent, name);
        if (space == std::string_view::npos) outer_[first] = app;
        readers_.push_back({&row, app, {}});
        for (const auto& option : row.options) add(readers_.back(), option);
    }

    static CLI::App* add_command(CLI::App& parent, const std::string& name) {
        auto* const app = parent.add_subcommand(name);
        app->set_help_flag();
        app->add_flag("-h,--help");
        return app;
    }

    static void add(Reader& reader, const Option& option) {
        auto& of = reader.options.emplace_back(Reader::Of{&option, nullptr, {}});
        if (option.shape == Shape::flag) {
            of.known = reader.app->add_flag(option.written(), of.texts);
            of.known->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
            return;
        }
        of.known = reader.app->add_option(option.written(), of.texts);
        if (option.is_operand() && option.shape != Shape::many)
            of.known->expected(1);
        else
            of.known->expected(1, CLI::detail::expected_max_vector_size);
        // Behind each name stands exactly one value.
        of.known->allow_extra_args(option.is_operand() && option.shape == Shape::many);
    }

    [[nodiscard]] bool is_asked_for_help() const {
        const auto asks = [](const CLI::App* one) {
            const auto* const help = one->get_option_no_throw("--help");
            return help != nullptr && help->count() > 0;
        };
        return help_->count() > 0 || std::ranges::any_of(parsed(), asks);
    }

    /// The commands that were typed, the outer one first.
    [[nodiscard]] std::vector<const CLI::App*> parsed() const {
        std::vector<const CLI::App*> chain;
        const auto* app = &app_;
        for (auto inner = app->get_subcommands(); !inner.empty(); inner = app->get_subcommands()) {
            app = inner.front();
            chain.push_back(app);
        }
        return chain;
    }

    [[nodiscard]] const Reader* reader_of(const CLI::App* app) const {
        for (const auto& reader : readers_)
            if (reader.app == app) return &reader;
        return nullptr;
    }

    [[nodiscard]] Typed typed() const {
        const auto chain = parsed();
        Typed typed;
        typed.asks_for_help = is_asked_for_help();
        if (chain.empty()) {
            typed.row = &row_of(version_->count() > 0 ? Command::version : Command::help);
            if (version_->count() == 0 && !typed.asks_for_help)
                throw UsageError("expected a command; 'berth help' lists them");
            typed.asks_for_help = false;
            return typed;
        }
        const auto* const reader = reader_of(chain.back());
        if (reader == nullptr) {
            const auto name = chain.back()->get_name();
            if (!typed.asks_for_help)
                throw UsageError("expected " + words_below(*chain.back()) + " after 'berth " +
                                 name + "'");
            typed.row = &row_of(Command::help);
            typed.topic = name;
            return typed;
        }
        typed.row = reader->row;
        typed.topic = typed.row->name;
        if (typed.asks_for_help) return typed;
        for (const auto* app : chain)
            if (const auto* const outer = reader_of(app)) collect(*outer, *typed.row, typed.given);
        return typed;
    }

    // An option of an outer command ('berth locks --state DIR release') is the inner one's.
    static void collect(const Reader& reader, const Row& row, Given& given) {
        for (const auto& of : reader.options) {
            for (const auto& text : of.texts) {
                for (const auto& own : row.options)
                    if (own.name == of.option->name)
                        add_value(own, without_mark(text), given[own.name]);
            }
            if (of.option->is_required && of.texts.empty())
                throw UsageError(usage_of(row) + ": " + std::string{of.option->name} +
                                 " is missing");
        }
    }

    static void add_value(const Option& option, const std::string& text,
                          std::vector<Value>& values) {
        if (option.shape != Shape::many) values.clear();
        const auto shown = text.empty() ? "''" : text;
        const auto place = option.is_operand()           ? "'" + text + "'"
                           : option.shape == Shape::flag ? option.written() + "=" + shown
                                                         : option.written() + " " + shown;
        if (!option.is_operand() && text.starts_with("--"))
            throw UsageError(option.written() + " needs " + std::string{option.value} + ", and '" +
                             text + "' is an option");
        values.push_back(
            {text, option.shape == Shape::flag && text == "true" ? option.written() : place});
    }

    /// "check or explain".
    static std::string words_below(const CLI::App& app) {
        std::string text;
        for (const auto* inner : app.get_subcommands([](const CLI::App*) { return true; }))
            text += (text.empty() ? "'" : " or '") + inner->get_name() + "'";
        return text;
    }

    // The words that CLI11 could not place say more than its message.
    [[nodiscard]] std::string explain(const CLI::ParseError& error) const {
        const auto chain = parsed();
        const auto* const app = chain.empty() ? &app_ : chain.back();
        const auto unknown = app_.remaining(true);
        const auto* const reader = reader_of(app);
        if (unknown.empty()) return explain_value(error, reader);
        const auto word = without_mark(unknown.front());
        const auto command = chain.empty() ? std::string{"berth"} : "berth " + name_of(chain);
        if (unknown.front().starts_with("-")) {
            std::vector<std::string> names{"--help"};
            if (reader != nullptr)
                for (const auto& option : reader->row->options)
                    if (!option.is_operand()) names.push_back(option.written());
            const auto bare = word.substr(0, word.find('='));
            if (const auto flag = denied_flag(bare, reader); !flag.empty())
                return command + " has no option '" + bare + "'; write " + flag + "=false";
            if (std::ranges::find(names, bare) != names.end())
                return "options stand behind the command: " + command + " " + word;
            return command + " has no option '" + word + "'" + suggest(bare, names, command);
        }
        if (reader != nullptr && app->get_subcommands([](const CLI::App*) { return true; }).empty())
            return "'" + word + "' is one argument too many: " + usage_of(*reader->row);
        std::vector<std::string> names;
        for (const auto* inner : app->get_subcommands([](const CLI::App*) { return true; }))
            names.push_back(inner->get_name());
        return command + " has no command '" + word + "'" + suggest(word, names, command);
    }

    /// The flag that "--no-flag" says is not meant; empty if it is none.
    static std::string denied_flag(const std::string& word, const Reader* reader) {
        constexpr std::string_view denial = "--no-";
        if (reader == nullptr || !word.starts_with(denial)) return {};
        auto flag = "--" + word.substr(denial.size());
        for (const auto& option : reader->row->options)
            if (option.shape == Shape::flag && option.written() == flag) return flag;
        return {};
    }

    static std::string name_of(const std::vector<const CLI::App*>& chain) {
        std::string name;
        for (const auto* app : chain) name += (name.empty() ? "" : " ") + app->get_name();
        return name;
    }

    static std::string suggest(const std::string& word, const std::vector<std::string>& names,
                               const std::string& command) {
        const std::vector<std::string_view> known{names.begin(), names.end()};
        const auto text = text::suggestion(word, known);
        const auto help = command == "berth" ? command + " help" : "berth help" + command.substr(5);
        return text.empty() ? "; '" + help + "' lists them" : text;
    }

    static std::string explain_value(const CLI::ParseError& error, const Reader* reader) {
        std::string text = error.what();
        if (reader != nullptr)
            for (const auto& of : reader->options)
                if (text.starts_with(of.option->written() + ":") && of.texts.empty() &&
                    of.option->shape != Shape::flag)
                    return of.option->written() + " needs " + std::string{of.option->value};
        return text;
    }

    CLI::App app_;
    CLI::Option* version_ = nullptr;
    CLI::Option* help_ = nullptr;
    std::map<std::string, CLI::App*> outer_;  ///< the first words
    std::deque<Reader> readers_;
};

}  // namespace

Typed parse(int argument_count, const char* const* arguments) {
    return Parser{}.parse(argument_count, arguments);
}

}  // namespace berth::server::commands
