// How long a server takes from its start to the first call that it has served.
#pragma once

#include <string>

#include <netinet/in.h>

#include "tests/bench/load/session.hpp"

namespace berth::bench {

/// Runs the command, asks until MNT and GETATTR have succeeded, and ends it. Throws when it never
/// serves.
double start_ms(char* const* command, const sockaddr_in& server, const sockaddr_in& mount_server,
                const std::string& exported, const Caller& caller);

}  // namespace berth::bench
