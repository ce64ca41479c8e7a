// Names the word that was probably meant. A plain function.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace berth::server::commands {

/// "; did you mean 'x'?" with the known word that differs least; empty if they all differ too
/// much.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string_view> known);

}  // namespace berth::server::commands
