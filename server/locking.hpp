// How the lock manager is set up: where it keeps what must survive, and how it reaches clients.
#pragma once

#include "nlm/programs.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

[[nodiscard]] nlm::Options locking_options(const ServeOptions& options,
                                           const StateDirectory& state);

}  // namespace berth::server
