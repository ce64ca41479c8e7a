// Reads the command line by the table of commands. Wraps CLI11, which nothing else includes.
#pragma once

#include <string>

#include "server/commands/given.hpp"
#include "server/commands/table.hpp"

namespace berth::server::commands {

/// What was typed, and for which command.
struct Typed {
    const Row* row = nullptr;
    Given given;
    bool asks_for_help = false;  ///< --help
    std::string topic;           ///< the command that help is asked about; empty: all
};

/// Throws UsageError that names the mistake, and what was probably meant.
Typed parse(int argument_count, const char* const* arguments);

}  // namespace berth::server::commands
