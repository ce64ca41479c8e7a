#include "server/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace berth::server {
namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// Characters that move, hide or reorder their neighbours. Surrogates are not characters.
constexpr std::array not_printed{
    Range{0x00, 0x1F},     Range{0x7F, 0x9F},     Range{0x61C, 0x61C},   Range{0x200B, 0x200F},
    Range{0x2028, 0x202E}, Range{0x2060, 0x206F}, Range{0xD800, 0xDFFF}, Range{0xFEFF, 0xFEFF},
    Range{0xFFF9, 0xFFFB}, Range{0xFFFE, 0xFFFF},
};
constexpr std::uint32_t code_max = 0x10FFFF;

/// The length of a character with this first byte, and the bits of it in that byte; empty: no
/// character begins with it.
struct Lead {
    std::size_t bytes = 0;
    std::uint32_t bits = 0;
    std::uint32_t code_min = 0;  ///< smaller values need fewer bytes, so are not UTF-8
};

Lead lead_of(unsigned char byte) noexcept {
    if (byte < 0x80) return {1, byte, 0};
    if (byte >= 0xC2 && byte < 0xE0) return {2, byte & 0x1FU, 0x80};
    if (byte >= 0xE0 && byte < 0xF0) return {3, byte & 0x0FU, 0x800};
    if (byte >= 0xF0 && byte < 0xF5) return {4, byte & 0x07U, 0x10000};
    return {};
}

bool is_plain(char c) noexcept {
    return c >= ' ' && c <= '~';
}

}  // namespace

Character first_character(std::string_view text) noexcept {
    const auto lead = lead_of(static_cast<unsigned char>(text.front()));
    if (lead.bytes == 0 || lead.bytes > text.size()) return {};
    auto code = lead.bits;
    for (const char c : text.substr(1, lead.bytes - 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80) return {};
        code = code << 6U | (byte & 0x3FU);
    }
    if (code < lead.code_min || code > code_max) return {};
    const bool is_hidden = std::ranges::any_of(
        not_printed, [&](const Range& range) { return range.first <= code && code <= range.last; });
    return {lead.bytes, !is_hidden};
}

void append_printable(std::string& to, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    while (!text.empty()) {
        const auto plain = std::ranges::find_if_not(text, is_plain);
        auto count = static_cast<std::size_t>(plain - text.begin());
        to += text.substr(0, count);
        text.remove_prefix(count);
        if (text.empty()) return;
        const auto character = first_character(text);
        if (character.is_printable) to += text.substr(0, character.bytes);
        for (const char c : text.substr(0, character.is_printable ? 0 : character.bytes)) {
            const auto byte = static_cast<unsigned char>(c);
            to += {'\\', 'x', digits[byte >> 4U], digits[byte & 0xFU]};
        }
        text.remove_prefix(character.bytes);
    }
}

std::string printable(std::string_view text) {
    std::string shown;
    append_printable(shown, text);
    return shown;
}

bool is_printable(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto character = first_character(text);
        if (!character.is_printable) return false;
        text.remove_prefix(character.bytes);
    }
    return true;
}

}  // namespace berth::server
