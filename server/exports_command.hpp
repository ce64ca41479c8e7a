// `berth exports`: what exports files come to, without serving them.
#pragma once

#include "server/options.hpp"

namespace berth::server {

/// Prints every problem to stderr, or else what holds for whom, in the syntax of exports(5) and
/// most specific first, to stdout. The exit status: 2 after problems. Throws UsageError when a file
/// can't be read.
int check_exports(const ExportsOptions& options);

/// Prints what the client may do with the path, which entry says so, and why that one. The exit
/// status: 1 when a mount would fail. Throws UsageError as for `check`, and when the client is
/// neither an address nor a name that leads to one.
int explain_exports(const ExportsOptions& options);

}  // namespace berth::server
