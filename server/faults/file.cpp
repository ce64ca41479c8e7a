#include "server/faults/file.hpp"

#include <utility>

#include <toml++/toml.h>

#include "server/input_file.hpp"

namespace berth::server::faults {
namespace {

class RuleTable {
public:
    RuleTable(const std::string& file, const toml::table& table) : file_(file), table_(table) {}

    [[nodiscard]] std::vector<Word> words() const {
        std::vector<Word> words;
        for (const auto& [key, node] : table_) {
            const auto place = place_of(node);
            if (key == "rule") {
                auto more = words_of(text_of(node), place);
                // A column within a text of TOML helps nobody.
                for (auto& word : more) word.place = place;
                words.insert(words.end(), more.begin(), more.end());
                continue;
            }
            const auto name = key == "calls" ? std::string{} : std::string{key.str()};
            if (const auto* const list = node.as_array(); list != nullptr && name.empty()) {
                std::string calls;
                for (const auto& one : *list) calls += (calls.empty() ? "" : ",") + text_of(one);
                add(words, name, calls, place);
            } else {
                add(words, name, text_of(node), place);
            }
        }
        return words;
    }

private:
    static void add(std::vector<Word>& words, const std::string& key, std::string value,
                    const std::string& place) {
        const bool is_denied = value.starts_with('!');
        if (is_denied) value.erase(0, 1);
        words.push_back(
            {.key = key, .value = std::move(value), .is_denied = is_denied, .place = place});
    }

    [[nodiscard]] std::string place_of(const toml::node& node) const {
        return file_ + ":" + std::to_string(node.source().begin.line);
    }

    [[nodiscard]] std::string text_of(const toml::node& node) const {
        if (const auto* const text = node.as_string()) return text->get();
        if (const auto* const number = node.as_integer()) return std::to_string(number->get());
        if (const auto* const number = node.as_floating_point())
            return std::to_string(number->get());
        throw RuleError(place_of(node) + ": expected a string or a number");
    }

    const std::string& file_;
    const toml::table& table_;
};

}  // namespace

std::vector<std::vector<Word>> words_in_file(const boost::filesystem::path& file, Reading reading) {
    const auto name = name_of(file);
    toml::table all;
    try {
        all = toml::parse(contents_of(file, reading), name);
    } catch (const toml::parse_error& error) {
        throw RuleError(name + ":" + std::to_string(error.source().begin.line) + ": " +
                        std::string{error.description()});
    }
    std::vector<std::vector<Word>> rules;
    for (const auto& [key, node] : all) {
        const auto place = name + ":" + std::to_string(key.source().begin.line);
        const auto* const list = node.as_array();
        if (key != "fault" || list == nullptr || !list->is_array_of_tables())
            throw RuleError(place + ": '" + std::string{key.str()} +
                            "': expected rules, each below a line [[fault]]");
        for (const auto& one : *list) {
            auto words = RuleTable{name, *one.as_table()}.words();
            if (words.empty())
                throw RuleError(name + ":" + std::to_string(one.source().begin.line) +
                                ": the rule is empty");
            rules.push_back(std::move(words));
        }
    }
    if (rules.empty()) throw RuleError(name + ": it has no rules; each is below a line [[fault]]");
    return rules;
}

}  // namespace berth::server::faults
