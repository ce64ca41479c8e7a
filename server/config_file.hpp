// The TOML file of --config: its keys are the long options of `berth serve`, and `directories` for
// the operands.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/options.hpp"

namespace berth::server {

/// The values that a key may have.
enum class Shape : std::uint8_t {
    flag,  ///< true or false
    one,   ///< a string or a number
    many,  ///< a string, or a list of them
};

struct Key {
    Shape shape = Shape::one;
    bool is_given = false;  ///< on the command line, which wins
};

/// The file as command-line arguments, without options that the command line has given. `judge`
/// knows the keys; it returns nothing for unknown ones. Throws UsageError with the file, the line
/// and what was expected.
std::vector<std::string>
arguments_of_config_file(const std::string& path, Reading reading,
                         const std::function<std::optional<Key>(const std::string&)>& judge);

}  // namespace berth::server
