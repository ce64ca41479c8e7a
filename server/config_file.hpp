// The TOML file of --config: its keys are the long options of `berth serve`, and `directories` for
// the operands.
#pragma once

#include <string>

#include "server/commands/given.hpp"

namespace berth::server {

/// What the file says about the options of this command. Throws UsageError with the file, the line
/// and what was expected.
commands::Given given_by_config_file(const std::string& path, Reading reading,
                                     const commands::Row& row);

}  // namespace berth::server
