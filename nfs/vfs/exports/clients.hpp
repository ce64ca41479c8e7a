// The client names of exports(5). For the parser alone.
#pragma once

#include <optional>

#include "nfs/vfs/exports/words.hpp"

namespace berth::vfs::exports {

/// The clients that a word means; empty after a problem.
std::optional<ClientPattern> parse_client(const Word& word, Problems& problems);

}  // namespace berth::vfs::exports
