// Makes text from the wire or a file system safe for terminals and for readers of UTF-8. The log
// does this for each line; everything else that prints such text uses this file. Plain functions.
#pragma once

#include <string>
#include <string_view>

namespace berth::server {

/// Appends the text as valid UTF-8 without control characters (C0, DEL, C1) and without characters
/// that end a line or change the direction of text. The bytes of all of those, and bytes that are
/// not UTF-8, become "\xNN". A backslash stays as it is.
void append_printable(std::string& to, std::string_view text);
[[nodiscard]] std::string printable(std::string_view text);
[[nodiscard]] bool is_printable(std::string_view text) noexcept;

/// The first character of a text that is not empty, or its first byte if no character begins there.
struct Character {
    std::size_t bytes = 1;
    bool is_printable = false;
};
[[nodiscard]] Character first_character(std::string_view text) noexcept;

}  // namespace berth::server
