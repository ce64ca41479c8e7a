// Bytes of any kind as words in the files that survive a crash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::nlm {

/// A name of any bytes as one word: "x", then its digits.
std::string to_hex(std::string_view bytes);
/// None: it is no such word.
std::optional<std::string> from_hex(std::string_view word);

}  // namespace berth::nlm
