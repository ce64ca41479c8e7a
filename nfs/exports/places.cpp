#include "nfs/exports/places.hpp"

namespace berth::exports {

std::uint64_t place_of(const HandleSealer& sealer, std::span<const std::byte> handle) {
    const auto opened = sealer.open(handle);
    return opened ? place_of(opened->export_id) : 0;
}

std::string name_of_place(const Exports& exports, std::uint64_t place) {
    const auto table = exports.pin(&place);
    const auto* exported = table->find(ExportId{static_cast<std::uint32_t>(place - 1)});
    return exported != nullptr ? exported->path : "an export of before";
}

}  // namespace berth::exports
