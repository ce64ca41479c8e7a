// Arbitrary bytes as words, for the files that survive a crash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::nlm {

/// A name of arbitrary bytes as one word: "x", then hex digits.
std::string to_hex(std::string_view bytes);
/// Empty: it is not such a word.
std::optional<std::string> from_hex(std::string_view word);

}  // namespace berth::nlm
