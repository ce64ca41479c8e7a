// The TOML file of --config: the long options of `berth serve` as keys, `directories` for its
// operands.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace berth::server {

/// What may stand behind a key.
enum class Shape : std::uint8_t {
    flag,  ///< true or false
    one,   ///< a string or a number
    many,  ///< a string, or a list of them
};

struct Key {
    Shape shape = Shape::one;
    bool is_given = false;  ///< by the command line, which wins
};

/// The file as command-line arguments, without what the command line has given; `judge` knows the
/// keys, and answers with none for those that there are not. Throws UsageError naming file, line
/// and what was expected.
std::vector<std::string>
arguments_of_config_file(const std::string& path,
                         const std::function<std::optional<Key>(const std::string&)>& judge);

}  // namespace berth::server
