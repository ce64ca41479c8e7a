// The places that calls may have to wait for, as numbers for the work queue: one per export.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"

namespace berth::exports {

/// Never 0, which means nowhere.
[[nodiscard]] constexpr std::uint64_t place_of(ExportId id) noexcept {
    return std::uint64_t{1} + static_cast<std::uint32_t>(id);
}
/// The place that the handle leads to; 0 if it is not this server's handle.
[[nodiscard]] std::uint64_t place_of(const HandleSealer& sealer, std::span<const std::byte> handle);
/// The path of the export, for people.
[[nodiscard]] std::string name_of_place(const Exports& exports, std::uint64_t place);

}  // namespace berth::exports
