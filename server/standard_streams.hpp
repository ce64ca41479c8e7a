// Standard input, output and error, whatever the parent left of them.
#pragma once

namespace berth::server {

/// One that was closed at the start is /dev/null from now on. Otherwise the next file that is
/// opened would have its number, and get what is printed. For main, before all else.
void open_standard_streams();

}  // namespace berth::server
