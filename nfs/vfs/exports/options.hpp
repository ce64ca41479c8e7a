// The option lists of exports(5). For the parser alone.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/exports/words.hpp"

namespace berth::vfs::exports {

/// What may differ between the flavours of one client.
struct FlavorOptions {
    bool read_only = true;
    bool squash_root = true;
    bool squash_all = false;
};

/// An option with a value, and where it stands.
template <class Value>
struct Placed {
    Value value;
    Word word;
};

/// What a client's options come to: the default options of the line, then its own.
struct OptionList {
    FlavorOptions sys;
    FlavorOptions none;
    std::vector<Flavor> flavors;  ///< of `sec=`; empty: not said
    ExportOptions shared{.secure = true};
    std::optional<Placed<GivenFsid>> fsid;
    std::optional<Placed<std::string>> mount_point;  ///< "": the exported directory itself

    /// The same as a rule, but for the client.
    [[nodiscard]] ClientRule rule() const;
};

/// Applies the options between the parentheses, or after the '-', to `list`.
void parse_options(const Word& text, Problems& problems, OptionList& list);

}  // namespace berth::vfs::exports
