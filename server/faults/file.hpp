// A file of rules, in TOML:
//
//   [[fault]]
//   rule = "READ path=*.db every=10 delay=200ms"
//
//   [[fault]]
//   name = "lost"
//   calls = ["RENAME", "LINK"]
//   first = 1
//   drop = "reply"
#pragma once

#include <string>
#include <vector>

#include <boost/filesystem/path.hpp>

#include "server/faults/words.hpp"
#include "server/options.hpp"

namespace berth::server::faults {

/// The words of each rule; their places are the file's lines. A key is what it is in the text of a
/// rule, `calls` are the words without one, and "!" before a value denies it. Throws UsageError.
[[nodiscard]] std::vector<std::vector<Word>> words_in_file(const boost::filesystem::path& file,
                                                           Reading reading);

}  // namespace berth::server::faults
