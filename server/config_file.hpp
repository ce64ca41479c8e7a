// The TOML file of --config: the long options of `berth serve` as keys, `directories` for its
// operands.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace berth::server {

/// The file as command-line arguments. `is_option` says which keys exist. Throws UsageError naming
/// file, line and what was expected.
std::vector<std::string>
arguments_of_config_file(const std::string& path,
                         const std::function<bool(const std::string&)>& is_option);

}  // namespace berth::server
