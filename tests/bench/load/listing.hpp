// READDIRPLUS of a whole directory, call by call.
#pragma once

#include <cstdint>

#include "tests/bench/load/session.hpp"

namespace berth::bench {

struct Listing {
    std::uint64_t calls = 0;
    std::uint64_t entries = 0;  // without . and ..
    double seconds = 0;
};

/// Throws when a call fails, an entry lacks attributes or handle, or the listing does not end.
Listing list(Session& session, View directory);

}  // namespace berth::bench
