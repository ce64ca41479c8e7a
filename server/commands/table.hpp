// What can be written on the command line: the one table from which the parser, --help, the man
// pages, README.md, the completions, the configuration file and the environment are made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/options.hpp"

namespace berth::server::commands {

/// The values that an option takes.
enum class Shape : std::uint8_t {
    flag,  ///< none; "true" and "false" are understood all the same
    one,   ///< one; of several on the command line the last counts
    many,  ///< any number
};

/// How the variables of the environment begin that are options.
inline constexpr std::string_view variable_prefix = "BERTH_";

/// The headings under which options are listed.
enum class Topic : std::uint8_t { exports, network, identity, ceilings, state, faults, log, other };
[[nodiscard]] std::string_view title_of(Topic topic);

struct Option {
    std::string_view name;  ///< "listen"; of an operand, "DIR"
    Topic topic = Topic::other;
    Shape shape = Shape::one;
    std::string_view value;     ///< what a value looks like; "a|b" are words to choose from
    std::string_view fallback;  ///< the default, for people; empty: none
    std::string_view summary;   ///< one line
    std::string_view
        details;  ///< whole sentences; `x` is something to type, a blank line a new paragraph
    /// Takes one value. Returns what was expected instead of it; empty: it was good.
    std::string (*take)(CommandLine& into, const std::string& value) = nullptr;
    /// The option that says the contrary: whoever gives one of the two has also given the other.
    std::string_view opposite;
    bool is_required = false;  ///< of operands
    char letter = 0;           ///< the short form; 0: none
    char separator = ',';      ///< of several values in a variable of the environment

    [[nodiscard]] bool is_operand() const noexcept {
        return name.front() >= 'A' && name.front() <= 'Z';
    }
    /// As people write it: "--listen", "DIR".
    [[nodiscard]] std::string written() const;
    /// Its key in the configuration file; that of DIR is "directories", that of FILE "exports".
    [[nodiscard]] std::string_view key() const noexcept;
    /// "BERTH_LISTEN".
    [[nodiscard]] std::string variable() const;
};

struct Row {
    Command command = Command::help;
    std::string_view name;     ///< one word or two: "exports check"
    std::string_view summary;  ///< one line
    std::string_view details;
    std::span<const Option> options;  ///< operands in the order in which they are written
    bool is_configured = false;       ///< options may also come from the configuration file
};

/// All commands, in the order in which people need them.
[[nodiscard]] std::span<const Row> all();
/// The options of `berth serve`.
[[nodiscard]] std::span<const Option> serve_options();

/// Whether the option may come from the environment: those of `berth serve`, and what other
/// commands have in common with it, so that they ask the same server and read the same files.
[[nodiscard]] bool has_variable(const Row& row, const Option& option);

/// "berth exports check [FILE...]", and " [OPTION...]" if it has any.
[[nodiscard]] std::string usage_of(const Row& row);

}  // namespace berth::server::commands
