// Names the word that was probably meant. A plain function.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace berth::text {

/// The known word that differs least, or the shortest that begins like this; empty if they all
/// differ too much.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

/// "; did you mean 'x'?" with that word; empty if there is none.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string_view> known);

}  // namespace berth::text
