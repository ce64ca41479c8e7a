// Which names a procedure takes — RFC 1813 §3.2, and what its procedures say of "." and "..".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nfs/types.hpp"

namespace berth::nfs {

/// What the name is for; "." and ".." are answered differently.
enum class NameUse : std::uint8_t { look_up, create, remove, remove_directory, rename };

/// Empty when the name is good.
[[nodiscard]] std::optional<Status> refuse_name(std::string_view name, NameUse use,
                                                std::uint32_t bytes_max);

}  // namespace berth::nfs
