// The composition root: makes everything in order, and destroys it in reverse order.
#pragma once

#include "server/options.hpp"
#include "server/reloading.hpp"

namespace berth::server {

/// Serves until SIGTERM or SIGINT; SIGHUP rereads the files. Returns the exit status. Throws
/// UsageError before anything has been started.
int serve(const ServeOptions& options, const Reloading::Reread& reread);

}  // namespace berth::server
