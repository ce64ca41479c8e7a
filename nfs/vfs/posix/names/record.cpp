#include "nfs/vfs/posix/names/record.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <sodium.h>

namespace berth::vfs::posix {
namespace {

// A record is: kind; sizes of id, directory and name; a checksum of all the rest; the tree; id,
// directory, name; zero padding.
constexpr std::size_t checksum_at = 4;
constexpr std::size_t tree_at = checksum_at + crypto_shorthash_BYTES;
constexpr std::size_t parts_at = tree_at + sizeof(std::uint64_t);
constexpr std::size_t name_bytes_max = 255;

constexpr std::size_t filled_up(std::size_t bytes) {
    return (bytes + record_alignment - 1) / record_alignment * record_alignment;
}
static_assert(filled_up(parts_at + 2 * ObjectId::bytes_max + name_bytes_max) <= record_bytes_max);

using Checksum = std::array<std::byte, crypto_shorthash_BYTES>;

// `bytes` are a record; its own checksum counts as zero.
Checksum checksum_of(std::span<const std::byte> bytes) {
    // The checksum guards against accidents, not attackers, so the key is not secret.
    constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> key{'n', 'a', 'm', 'e', 's'};
    std::array<std::byte, record_bytes_max> copy;
    std::ranges::copy(bytes, copy.begin());
    std::fill_n(copy.begin() + checksum_at, crypto_shorthash_BYTES, std::byte{});
    Checksum sum{};
    crypto_shorthash(reinterpret_cast<unsigned char*>(sum.data()),
                     reinterpret_cast<const unsigned char*>(copy.data()), bytes.size(), key.data());
    return sum;
}

bool is_kind(std::byte byte) {
    using enum NameRecord::Kind;
    return std::ranges::any_of(std::array{put, erase, end}, [&](NameRecord::Kind kind) {
        return static_cast<std::byte>(kind) == byte;
    });
}

}  // namespace

std::vector<std::byte> encode(NameRecord::Kind kind, std::uint64_t tree, const ObjectId& id,
                              const ObjectId& directory, std::string_view name) {
    name = name.substr(0, name_bytes_max);
    const std::array parts{id.bytes(), directory.bytes(), std::as_bytes(std::span{name})};
    std::vector<std::byte> record{static_cast<std::byte>(kind)};
    std::size_t bytes = parts_at;
    for (const auto part : parts) {
        record.push_back(static_cast<std::byte>(part.size()));
        bytes += part.size();
    }
    record.resize(filled_up(bytes));
    std::memcpy(record.data() + tree_at, &tree, sizeof tree);
    auto at = record.begin() + parts_at;
    for (const auto part : parts) at = std::ranges::copy(part, at).out;
    std::ranges::copy(checksum_of(record), record.begin() + checksum_at);
    return record;
}

bool is_beginning(std::span<const std::byte> bytes) {
    if (bytes.empty() || !is_kind(bytes[0])) return false;
    if (bytes.size() < parts_at) return true;
    const auto size = [&](std::size_t part) { return std::to_integer<std::size_t>(bytes[part]); };
    return size(1) <= ObjectId::bytes_max && size(2) <= ObjectId::bytes_max &&
           bytes.size() < filled_up(parts_at + size(1) + size(2) + size(3));
}

std::optional<DecodedRecord> decode(std::span<const std::byte> bytes) {
    if (bytes.size() < parts_at || !is_kind(bytes[0])) return std::nullopt;
    const auto size = [&](std::size_t part) { return std::to_integer<std::size_t>(bytes[part]); };
    if (size(1) > ObjectId::bytes_max || size(2) > ObjectId::bytes_max) return std::nullopt;
    const auto all = filled_up(parts_at + size(1) + size(2) + size(3));
    if (bytes.size() < all) return std::nullopt;
    bytes = bytes.first(all);
    if (!std::ranges::equal(checksum_of(bytes),
                            bytes.subspan(checksum_at, crypto_shorthash_BYTES))) {
        return std::nullopt;
    }
    DecodedRecord decoded{.bytes = all};
    auto& record = decoded.record;
    record.kind = static_cast<NameRecord::Kind>(bytes[0]);
    std::memcpy(&record.tree, bytes.data() + tree_at, sizeof record.tree);
    record.id = ObjectId{bytes.subspan(parts_at, size(1))};
    record.place.directory = ObjectId{bytes.subspan(parts_at + size(1), size(2))};
    const auto name = bytes.subspan(parts_at + size(1) + size(2), size(3));
    record.place.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    return decoded;
}

}  // namespace berth::vfs::posix
