// The option lists of exports(5). For the parser alone.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/exports/parsing/words.hpp"

namespace berth::exports::parsing {

/// Options that may differ between the flavours of one client.
struct FlavorOptions {
    bool read_only = true;
    bool squash_root = true;
    bool squash_all = false;
};

/// The value of an option, and where it was written.
template <class Value>
struct Placed {
    Value value;
    Word word;
};

/// The options of a client: the default options of the line, then its own.
struct OptionList {
    FlavorOptions sys;
    FlavorOptions none;
    std::vector<Flavor> flavors;  ///< from `sec=`; empty: not given
    Options shared{.secure = true};
    std::optional<Placed<GivenFsid>> fsid;
    std::optional<Placed<std::string>> mount_point;  ///< "": the exported directory itself

    /// The options as a rule, without the client.
    [[nodiscard]] ClientRule rule() const;
};

/// The names of all options, those without a value first.
[[nodiscard]] std::vector<std::string_view> option_names();

/// Applies the options between the parentheses, or after the '-', to `list`.
void parse_options(const Word& text, Problems& problems, OptionList& list);

}  // namespace berth::exports::parsing
