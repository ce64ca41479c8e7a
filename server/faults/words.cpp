#include "server/faults/words.hpp"

#include <algorithm>
#include <utility>

namespace berth::server::faults {
namespace {

constexpr std::string_view blanks = " \t\r\n";

/// Reads one word after the other, with their columns, which count from 1.
class Splitter {
public:
    Splitter(std::string_view text, const std::string& source) : text_(text), source_(source) {}

    bool skip_blanks() {
        at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size());
        return at_ < text_.size();
    }

    Word next() {
        Word word;
        word.place = place();
        if (text_[at_] == '!') {
            word.is_denied = true;
            ++at_;
        }
        auto part = take_part("=");
        if (at_ < text_.size() && text_[at_] == '=') {
            word.key = std::move(part);
            ++at_;
            part = take_part("");
        }
        word.value = std::move(part);
        return word;
    }

private:
    [[nodiscard]] std::string place() const { return source_ + ":" + std::to_string(at_ + 1); }

    /// Up to a blank, or to one of these characters outside of quotes.
    std::string take_part(std::string_view ends) {
        std::string part;
        bool is_quoted = false;
        const auto begin = place();
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            const bool is_end =
                blanks.find(c) != std::string_view::npos || ends.find(c) != std::string_view::npos;
            if (!is_quoted && is_end) break;
            const bool is_escape = is_quoted && c == '\\' && at_ + 1 < text_.size() &&
                                   (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
            if (is_escape)
                part += text_[++at_];
            else if (c == '"')
                is_quoted = !is_quoted;
            else
                part += c;
        }
        if (is_quoted) throw RuleError(begin + ": a quote (\") has no end");
        return part;
    }

    const std::string_view text_;
    const std::string& source_;
    std::size_t at_ = 0;
};

}  // namespace

std::string Word::text() const {
    auto shown = value;
    if (value.empty() || value.find_first_of(std::string{blanks} + "\"!=") != std::string::npos) {
        shown = "\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') shown += '\\';
            shown += c;
        }
        shown += '"';
    }
    return (is_denied ? "!" : "") + (key.empty() ? shown : key + "=" + shown);
}

void Word::refuse(const std::string& why) const {
    throw RuleError(place + ": " + text() + ": " + why);
}

std::vector<Word> words_of(std::string_view text, const std::string& source) {
    std::vector<Word> words;
    Splitter splitter{text, source};
    while (splitter.skip_blanks()) words.push_back(splitter.next());
    return words;
}

std::vector<std::string> parts_of(std::string_view value) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = value.find(',');
        parts.emplace_back(value.substr(0, end));
        if (end == std::string_view::npos) return parts;
        value.remove_prefix(end + 1);
    }
}

}  // namespace berth::server::faults
