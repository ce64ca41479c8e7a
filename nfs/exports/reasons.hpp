// Why a client may mount or may not, in words: the log and `berth exports explain` say the same.
#pragma once

#include <string>
#include <string_view>

#include "nfs/exports/table.hpp"

namespace berth::exports::reasons {

inline constexpr std::string_view no_path = "expected an absolute path without '..'";
inline constexpr std::string_view not_exported = "not below any export";
inline constexpr std::string_view no_entry = "no entry is for this client";
inline constexpr std::string_view unknown =
    "has entries with names, but the name service did not answer for this client";
inline constexpr std::string_view hidden_mount = "what is mounted here stays hidden";

/// "192.0.2.0/24 of /srv/data (/etc/exports:3:17)"
[[nodiscard]] std::string entry(const Export& exported, const ClientRule& rule);

/// What lets a client in that no entry is for: the option that says who may mount, if the export
/// comes from the command line, or the place of the entries.
[[nodiscard]] std::string way_to_allow(const Export& exported);

/// "/srv, /home and 3 more": those that a client can ask for.
[[nodiscard]] std::string paths_of(const Table& exports);

/// The first mount point on the way from the root of the export; the export does not contain what
/// is mounted there. Empty if there is none, or if that can't be known. Reads the table of mounts.
[[nodiscard]] std::string mount_point_in(const Match& match);

}  // namespace berth::exports::reasons
