// `berth exports`: shows the meaning of exports files without serving them.
#pragma once

#include "server/options.hpp"

namespace berth::server {

/// Prints every problem to stderr; if there are none, prints to stdout what applies to which
/// clients, in the syntax of exports(5), most specific first. Returns the exit status: 2 after
/// problems. Throws UsageError if a file can't be read.
int check_exports(const ExportsOptions& options);

/// Prints what the client may do with the path, which entry decides that, and why that one. Returns
/// the exit status: 1 if a mount would fail. Throws UsageError as for `check`, or if the client is
/// neither an address nor a name that resolves to one.
int explain_exports(const ExportsOptions& options);

}  // namespace berth::server
