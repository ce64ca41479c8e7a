// Standard input, output and error, in whatever state the parent left them.
#pragma once

#include <chrono>
#include <string_view>

namespace berth::server {

/// Opens /dev/null for each one that is closed. Otherwise the next file to be opened would get its
/// number, and whatever is printed. For main, before everything else. False: standard output was
/// closed, so what is printed is lost.
bool open_standard_streams();

/// Writes to one of them as much as the reader takes within `patience` and the system accepts.
/// True: it was everything.
bool write_within(int stream, std::string_view text, std::chrono::milliseconds patience);

/// Ensures that what was printed with stdio has reached standard output. Throws std::system_error
/// if it has not.
void finish_output();

}  // namespace berth::server
