// One change in the names journal as it is written to a file: whole, or recognisably not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "nfs/vfs/posix/names/store.hpp"

namespace berth::vfs::posix {

struct NameRecord {
    enum class Kind : std::uint8_t {
        put = 0xB1,    ///< the object can be found at this place
        erase = 0xB2,  ///< the object is no longer there
        end = 0xB3,    ///< the file was closed cleanly; no object
    };

    Kind kind = Kind::put;
    std::uint64_t tree = 0;  ///< the object's tree
    ObjectId id;
    Place place;
};

/// Records start at multiples of this in a file, and are padded to one.
inline constexpr std::size_t record_alignment = 8;
inline constexpr std::size_t record_bytes_max = 368;

[[nodiscard]] std::vector<std::byte> encode(NameRecord::Kind kind, std::uint64_t tree,
                                            const ObjectId& id, const ObjectId& directory,
                                            std::string_view name);

/// Whether these bytes may be the beginning of a record whose rest is missing.
[[nodiscard]] bool is_beginning(std::span<const std::byte> bytes);

struct DecodedRecord {
    NameRecord record;
    std::size_t bytes = 0;  ///< its length in the file
};
/// The record at the start of the bytes; nothing if no whole record starts there.
[[nodiscard]] std::optional<DecodedRecord> decode(std::span<const std::byte> bytes);

}  // namespace berth::vfs::posix
