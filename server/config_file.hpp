// The TOML file of --config: the long options of `berth serve` as keys, `directories` for its
// operands.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace berth::server {

/// What the command line says of a key.
enum class Key : std::uint8_t {
    unknown,  ///< there is no such option
    given,    ///< the command line has it already, and wins
    open,     ///< the file may say it
};

/// The file as command-line arguments, without what the command line has given. Throws UsageError
/// naming file, line and what was expected.
std::vector<std::string>
arguments_of_config_file(const std::string& path,
                         const std::function<Key(const std::string&)>& judge);

}  // namespace berth::server
