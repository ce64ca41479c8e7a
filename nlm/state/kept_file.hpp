// A small file of words that survives a crash: replaced as a whole, with bytes of any kind as words
// of hexadecimal digits.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace berth::nlm {

/// A name of any bytes as one word: "x", then its digits.
std::string to_hex(std::string_view bytes);
/// None: it is no such word.
std::optional<std::string> from_hex(std::string_view word);

/// Whole or not at all, and on disk when this returns.
std::error_code replace(const std::filesystem::path& file, const std::string& text);

}  // namespace berth::nlm
