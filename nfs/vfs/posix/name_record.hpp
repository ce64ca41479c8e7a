// One change of the names journal, as it is written to a file: whole, or recognisably not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "nfs/vfs/posix/name_store.hpp"

namespace berth::vfs::posix {

struct NameRecord {
    enum class Kind : std::uint8_t {
        put = 0xB1,    ///< the object can be found in this place
        erase = 0xB2,  ///< it can't any more
        end = 0xB3,    ///< the file was closed in peace; no object
    };

    Kind kind = Kind::put;
    std::uint64_t tree = 0;  ///< whose object it is
    ObjectId id;
    Place place;
};

/// Records start at multiples of this in a file, and fill them up.
inline constexpr std::size_t record_alignment = 8;
inline constexpr std::size_t record_bytes_max = 368;

[[nodiscard]] std::vector<std::byte> encode(NameRecord::Kind kind, std::uint64_t tree,
                                            const ObjectId& id, const ObjectId& directory,
                                            std::string_view name);

struct DecodedRecord {
    NameRecord record;
    std::size_t bytes = 0;  ///< that it takes in the file
};
/// The record that the bytes begin with; nothing when they begin with none that is whole.
[[nodiscard]] std::optional<DecodedRecord> decode(std::span<const std::byte> bytes);

}  // namespace berth::vfs::posix
