// The documents that are made from the tables of commands and options. Plain functions.
#pragma once

#include <string>

namespace berth::packaging {

/// Man pages, in the language of man(7).
[[nodiscard]] std::string manual_of_program();
[[nodiscard]] std::string manual_of_exports();
[[nodiscard]] std::string manual_of_config();
[[nodiscard]] std::string manual_of_faults();

/// Completion of the command line in shells.
[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();
[[nodiscard]] std::string fish_completion();

/// A commented berth.toml that says nothing: every key is a comment, with a value to begin with.
[[nodiscard]] std::string example_config();

/// The options of `berth serve` as the table in README.md.
[[nodiscard]] std::string readme_options();

}  // namespace berth::packaging
