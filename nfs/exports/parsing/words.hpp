// The words of exports(5): only this file knows quoting, escapes, continued lines and comments. For
// the parser alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/exports/file.hpp"

namespace berth::exports::parsing {

/// One byte of a word. A literal byte was quoted or escaped, and is never syntax.
struct Letter {
    char value = 0;
    bool is_literal = false;
    std::size_t column = 0;

    [[nodiscard]] bool is(char syntax) const noexcept { return value == syntax && !is_literal; }
};

/// Adjacent letters of one line, or a part of them.
class Word {
public:
    Word(std::size_t line, std::size_t column) : line_(line), column_(column) {}

    void add(Letter letter) { letters_.push_back(letter); }
    [[nodiscard]] bool empty() const noexcept { return letters_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return letters_.size(); }
    [[nodiscard]] const Letter& operator[](std::size_t at) const { return letters_[at]; }
    [[nodiscard]] std::size_t line() const noexcept { return line_; }
    [[nodiscard]] std::size_t column() const noexcept { return column_; }
    [[nodiscard]] bool has_literals() const;
    [[nodiscard]] std::string text() const;
    /// The first position of this syntax at or after `from`; size() if there is none.
    [[nodiscard]] std::size_t find(char syntax, std::size_t from = 0) const;
    /// The letters from `begin` up to but not including `end`.
    [[nodiscard]] Word part(std::size_t begin, std::size_t end) const;
    /// The pieces between these separators; one more than there are separators.
    [[nodiscard]] std::vector<Word> split(char separator) const;

private:
    std::size_t line_;
    std::size_t column_;
    std::vector<Letter> letters_;
};

/// Collects the problems of one file.
class Problems {
public:
    Problems(const std::string& file, std::vector<Problem>& problems)
        : file_(file),
          problems_(problems) {}

    [[nodiscard]] SourcePlace place(const Word& word) const {
        return {file_, word.line(), word.column()};
    }
    void add(const Word& word, std::string what) {
        problems_.push_back({place(word), word.text(), std::move(what)});
    }
    /// For something that can't be shown as a word.
    void add(std::size_t line, std::size_t column, std::string what) {
        problems_.push_back({{file_, line, column}, {}, std::move(what)});
    }

private:
    const std::string& file_;
    std::vector<Problem>& problems_;
};

/// Splits a text into entries: the words of a line and of its continuation lines.
class WordReader {
public:
    /// Both outlive the reader.
    WordReader(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

    /// The next entry that has words; empty at the end. An entry with a problem is reported and
    /// skipped.
    std::optional<std::vector<Word>> next();

private:
    bool read_entry(std::vector<Word>& words);
    bool read_word(std::vector<Word>& words);
    bool read_quoted(Word& word);
    bool read_escape(Word& word);
    bool skip_comment();
    [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
    [[nodiscard]] bool at_continuation() const noexcept;
    [[nodiscard]] std::size_t column() const noexcept { return at_ - line_begin_ + 1; }
    void end_line();

    std::string_view text_;
    Problems& problems_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t line_begin_ = 0;
};

}  // namespace berth::exports::parsing
