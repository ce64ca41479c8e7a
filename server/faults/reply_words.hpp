// The words of rules that say how replies leave, and how the connection fares.
#pragma once

#include <span>

#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

struct ReplyWord {
    Key key;
    void (*take)(const Word& word, Definition& into) = nullptr;  ///< throws RuleError
};
[[nodiscard]] std::span<const ReplyWord> reply_words();

}  // namespace berth::server::faults
