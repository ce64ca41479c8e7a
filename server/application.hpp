// The composition root: everything is made here, in order, and taken down in the reverse one.
#pragma once

#include "server/options.hpp"
#include "server/reloading.hpp"

namespace berth::server {

/// Serves until SIGTERM or SIGINT; with SIGHUP, what the files say now. Gives the exit status.
/// Throws UsageError before anything has been started.
int serve(const ServeOptions& options, const Reloading::Reread& reread);

}  // namespace berth::server
