// The options of exports(5) as people read about them: for the man page and README.md. Plain
// values.
#pragma once

#include <span>
#include <string_view>

namespace berth::exports {

/// One option, or several that belong together.
struct FileOption {
    std::string_view names;     ///< as written, separated by ", ": "ro, rw", "anonuid=UID"
    std::string_view fallback;  ///< the default; empty: none
    std::string_view summary;   ///< whole sentences; `x` is something to type
};

/// Every option that the parser takes.
[[nodiscard]] std::span<const FileOption> file_options();

}  // namespace berth::exports
