// `berth locks`: what it asks, and what the server answers.
#pragma once

#include <string>
#include <string_view>

#include "nlm/programs.hpp"
#include "server/options.hpp"

namespace berth::server {

/// The answer to "locks" or "release CLIENT", as text to print.
std::string answer_about_locks(nlm::Services& locks, std::string_view request);

/// The command itself: asks the server of that state directory and prints what it says. Gives the
/// exit status; throws std::runtime_error when no server answers.
int ask_about_locks(const LocksOptions& options);

}  // namespace berth::server
