// The client names of exports(5). For the parser alone.
#pragma once

#include <optional>

#include "nfs/exports/parsing/words.hpp"

namespace berth::exports::parsing {

/// The clients that a word names; empty after a problem.
std::optional<ClientPattern> parse_client(const Word& word, Problems& problems);

}  // namespace berth::exports::parsing
