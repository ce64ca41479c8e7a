// How many files and connections the process may have open, and whether that suffices to serve.
#pragma once

#include <cstddef>

namespace berth::server {

/// Raises the soft limit to the hard one. Throws UsageError if that is too low for any server to
/// start.
void claim_descriptors();

/// To be called once everything is open that does not depend on clients. Logs how many there are.
/// Throws UsageError if too few are left for clients.
void check_descriptors();

/// The number of open descriptors. 0 if /proc can't tell.
[[nodiscard]] std::size_t open_descriptors();

/// The least that a server needs to start, and the least for clients after that: a connection and
/// what its calls open, the same for a second client, and some for the server's files.
inline constexpr std::size_t descriptors_to_start = 64;
inline constexpr std::size_t descriptors_for_clients = 32;

}  // namespace berth::server
