// The composition root: everything is made here, in order, and taken down in the reverse one.
#pragma once

#include "server/options.hpp"

namespace berth::server {

/// Serves until SIGTERM or SIGINT. Gives the exit status. Throws UsageError before anything has
/// been started.
int serve(const ServeOptions& options);

}  // namespace berth::server
