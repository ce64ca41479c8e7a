// The texts of `berth help` and --help, from the table of commands. Plain functions.
#pragma once

#include <string>

#include "server/commands/table.hpp"

namespace berth::server::commands {

/// All commands, a line each.
[[nodiscard]] std::string overview();
/// One command: usage, what it does, and its options.
[[nodiscard]] std::string help_of(const Row& row);

}  // namespace berth::server::commands
