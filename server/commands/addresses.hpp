// The addresses of --listen. Plain functions.
#pragma once

#include <optional>
#include <string>

#include "server/options.hpp"

namespace berth::server::commands {

/// "2049", ":2049", "10.0.0.1", "10.0.0.1:2049", "[::1]:2049", "localhost:2049". Empty if it is
/// none of these; `problem` then says what was expected.
std::optional<ListenAddress> parse_listen_address(const std::string& text, std::string& problem);

}  // namespace berth::server::commands
