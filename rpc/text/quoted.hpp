// Text that a peer has chosen, within a line for people. It is marked so that it can't be taken for
// the line's own words. Control characters are for whoever shows the line (server/printable.hpp).
#pragma once

#include <algorithm>
#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace berth::text {

/// Formats as 'text'. A quote or a backslash in it is written as "\x27" or "\x5c", so no two texts
/// look alike. Refers to the text.
struct Quoted {
    std::string_view text;
};

/// Formats as the text itself if it is one plain word, as host names and most paths are, else as
/// Quoted. Refers to the text.
struct Word {
    std::string_view text;

    [[nodiscard]] bool is_plain() const noexcept {
        constexpr std::string_view marks = "._:/+@%~,=-";
        return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [=](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   marks.find(c) != std::string_view::npos;
        });
    }
};

}  // namespace berth::text

template <>
struct fmt::formatter<berth::text::Quoted> : fmt::formatter<fmt::string_view> {
    template <class Context>
    auto format(const berth::text::Quoted& quoted, Context& to) const {
        auto out = to.out();
        *out++ = '\'';
        for (const char c : quoted.text) {
            if (c == '\'' || c == '\\')
                out = fmt::format_to(out, "\\x{:02x}", static_cast<unsigned char>(c));
            else
                *out++ = c;
        }
        *out++ = '\'';
        return out;
    }
};

template <>
struct fmt::formatter<berth::text::Word> : fmt::formatter<berth::text::Quoted> {
    template <class Context>
    auto format(const berth::text::Word& word, Context& to) const {
        if (!word.is_plain())
            return fmt::formatter<berth::text::Quoted>::format(berth::text::Quoted{word.text}, to);
        return std::ranges::copy(word.text, to.out()).out;
    }
};
