// The grammar of rules, the same on the command line, in files and while berth serves:
//
//   READ path=*.db every=10 delay=200ms
//
// Words without "=" name programs and procedures; several stand between commas. Conditions choose
// among their calls, and all must hold; "!" before one denies it. Then come which of the calls are
// hit, and what happens to them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rpc/program.hpp"
#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

/// All that may stand before a "=".
[[nodiscard]] std::vector<Key> keys();

/// Throws RuleError: for what it does not understand, and for rules that can't hit any call or do
/// nothing. `programs`: those that are served, whose procedures have names.
[[nodiscard]] Definition parse_rule(const std::vector<Word>& words,
                                    std::span<const rpc::Program> programs);

}  // namespace berth::server::faults
