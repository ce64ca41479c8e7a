// `berth locks`: its requests, and the server's answers.
#pragma once

#include <string>
#include <string_view>

#include "nlm/programs.hpp"
#include "server/options.hpp"

namespace berth::server {

/// The answer to "locks" or "release CLIENT", as text to print.
std::string answer_about_locks(nlm::Services& locks, std::string_view request);

/// The command itself: asks the server of that state directory and prints the answer. Returns the
/// exit status; throws std::runtime_error if no server answers.
int ask_about_locks(const LocksOptions& options);

}  // namespace berth::server
