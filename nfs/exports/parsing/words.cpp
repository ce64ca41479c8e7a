#include "nfs/exports/parsing/words.hpp"

#include <algorithm>

namespace berth::exports::parsing {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

}  // namespace

bool Word::has_literals() const {
    return std::ranges::any_of(letters_, &Letter::is_literal);
}

std::string Word::text() const {
    std::string text;
    for (const auto& letter : letters_) text += letter.value;
    return text;
}

std::size_t Word::find(char syntax, std::size_t from) const {
    while (from < size() && !letters_[from].is(syntax)) ++from;
    return from;
}

Word Word::part(std::size_t begin, std::size_t end) const {
    const auto after_last = letters_.empty() ? column_ : letters_.back().column + 1;
    const auto column = begin < size() ? letters_[begin].column : after_last;
    Word part{line_, begin == 0 ? column_ : column};
    for (auto at = begin; at < end; ++at) part.add(letters_[at]);
    return part;
}

std::vector<Word> Word::split(char separator) const {
    std::vector<Word> pieces;
    std::size_t begin = 0;
    while (true) {
        const auto end = find(separator, begin);
        pieces.push_back(part(begin, end));
        if (end == size()) return pieces;
        begin = end + 1;
    }
}

void WordReader::end_line() {
    ++at_;
    ++line_;
    line_begin_ = at_;
}

bool WordReader::at_continuation() const noexcept {
    return text_.substr(at_).starts_with("\\\n") || text_.substr(at_).starts_with("\\\r\n");
}

// Other readers of this file take the line after such a comment for part of the comment, which a
// human reader does not notice.
bool WordReader::skip_comment() {
    const auto begin = at_;
    while (!at_end() && text_[at_] != '\n') ++at_;
    auto comment = text_.substr(begin, at_ - begin);
    if (comment.ends_with('\r')) comment.remove_suffix(1);
    if (!comment.ends_with('\\')) return true;
    problems_.add(line_, begin - line_begin_ + comment.size(),
                  "a comment cannot be continued: take the backslash at its end away");
    return false;
}

bool WordReader::read_quoted(Word& word) {
    const auto opening = column();
    ++at_;
    while (!at_end() && text_[at_] != '"' && text_[at_] != '\n') {
        if (text_[at_] == '\0') {
            problems_.add(line_, column(), "a NUL, which no path or name may have");
            return false;
        }
        word.add({text_[at_], true, column()});
        ++at_;
    }
    if (at_end() || text_[at_] == '\n') {
        problems_.add(line_, opening, "a '\"' without the other one on the same line");
        return false;
    }
    ++at_;
    return true;
}

bool WordReader::read_escape(Word& word) {
    const auto digits = text_.substr(at_ + 1, 3);
    const bool is_code = digits.size() == 3 && std::ranges::all_of(digits, is_octal);
    const int value =
        is_code ? (digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0' : 0;
    if (value == 0 || value > 0xFF) {
        problems_.add(
            line_, column(),
            "expected a character's code as three octal digits (\\040 for a blank), 001 to "
            "377, or the end of the line after a backslash");
        return false;
    }
    word.add({static_cast<char>(value), true, column()});
    at_ += 4;
    return true;
}

bool WordReader::read_word(std::vector<Word>& words) {
    Word word{line_, column()};
    while (!at_end() && !is_blank(text_[at_]) && text_[at_] != '\n' && !at_continuation()) {
        const char c = text_[at_];
        if (c == '"') {
            if (!read_quoted(word)) return false;
        } else if (c == '\\') {
            if (!read_escape(word)) return false;
        } else if (c == '\0') {
            problems_.add(line_, column(), "a NUL, which no path or name may have");
            return false;
        } else {
            word.add({c, false, column()});
            ++at_;
        }
    }
    words.push_back(std::move(word));
    return true;
}

bool WordReader::read_entry(std::vector<Word>& words) {
    while (!at_end()) {
        if (text_[at_] == '\n') {
            end_line();
            return true;
        }
        if (at_continuation()) {
            at_ = text_.find('\n', at_);
            end_line();
        } else if (is_blank(text_[at_])) {
            ++at_;
        } else if (text_[at_] == '#') {
            if (!skip_comment()) return false;
        } else if (!read_word(words)) {
            return false;
        }
    }
    return true;
}

std::optional<std::vector<Word>> WordReader::next() {
    while (!at_end()) {
        std::vector<Word> words;
        const bool is_good = read_entry(words);
        if (is_good && !words.empty()) return words;
        if (is_good) continue;
        // Continuation lines belong to the same mistake.
        while (!at_end() && text_[at_] != '\n') {
            if (at_continuation()) {
                at_ = text_.find('\n', at_);
                end_line();
            } else {
                ++at_;
            }
        }
        if (!at_end()) end_line();
    }
    return {};
}

}  // namespace berth::exports::parsing
