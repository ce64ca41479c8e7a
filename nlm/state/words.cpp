#include "nlm/state/words.hpp"

#include <charconv>
#include <system_error>

namespace berth::nlm {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::string to_hex(std::string_view bytes) {
    std::string text = "x";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += digits[value >> 4U];
        text += digits[value & 15U];
    }
    return text;
}

std::optional<std::string> from_hex(std::string_view word) {
    if (word.size() % 2 == 0 || word.front() != 'x') return {};
    std::string bytes;
    for (std::size_t at = 1; at < word.size(); at += 2) {
        unsigned value = 0;
        const auto* begin = word.data() + at;
        const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
        if (error != std::errc{} || end != begin + 2) return {};
        bytes += static_cast<char>(value);
    }
    return bytes;
}

}  // namespace berth::nlm
