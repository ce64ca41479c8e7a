// The names that procedures accept — RFC 1813 §3.2, and each procedure's rules for "." and "..".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nfs/types.hpp"

namespace berth::nfs {

/// The use of the name; this determines the status for "." and "..".
enum class NameUse : std::uint8_t { look_up, create, remove, remove_directory, rename };

/// Empty if the name is good.
[[nodiscard]] std::optional<Status> refuse_name(std::string_view name, NameUse use,
                                                std::uint32_t bytes_max);

}  // namespace berth::nfs
