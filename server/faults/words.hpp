// The words of a rule: READ path=*.db every=10 delay=200ms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/options.hpp"

namespace berth::server::faults {

/// A rule that is not understood. The text says where, which word, and what was expected.
class RuleError : public UsageError {
public:
    using UsageError::UsageError;
};

/// "key=value", or a value alone: then the key is empty.
struct Word {
    std::string key;
    std::string value;
    bool is_denied = false;  ///< "!key=value" or "!value"
    std::string place;       ///< "--fault:17", "faults.toml:3"

    /// As it was written.
    [[nodiscard]] std::string text() const;
    /// Throws RuleError that names the word.
    [[noreturn]] void refuse(const std::string& why) const;
};

/// What may stand before a "=", for people.
struct Key {
    std::string_view name;
    std::string_view value;
    std::string_view summary;
};
/// Splits at blanks. A value in double quotes may have blanks; within them, a backslash stands
/// before a quote or a backslash that is meant itself. `source`: where the text comes from.
/// Throws RuleError.
[[nodiscard]] std::vector<Word> words_of(std::string_view text, const std::string& source);

/// The parts of a value between commas.
[[nodiscard]] std::vector<std::string> parts_of(std::string_view value);

}  // namespace berth::server::faults
