// File handles: the names of objects on the wire. A handle survives restarts, because it contains
// the file system's own id of the object. It can't be forged, because it ends in a keyed MAC.
//
// Layout, at most 56 bytes: format version (1) | length of the object id (6 bits) and of the
// padding (2 bits) | export id (4, big endian) | object id | way | zeros to a multiple of 4 |
// SipHash-2-4 of everything before it (8). Id and way have 42 bytes together.
//
// ESXi accepts 56 bytes, and U-Boot counts in words. This is version 2; version 1 had neither way
// nor padding. Handles of versions up to 15 count as this server's own, and are stale; other first
// bytes belong to other servers.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::state {
class Folder;
}

namespace berth::exports {

/// Identifies an export in handles. Never 0.
enum class ExportId : std::uint32_t {};

/// The bytes of one handle, by value. Empty unless sealed.
class Handle {
public:
    static constexpr std::size_t bytes_max = 56;

    Handle() = default;
    /// Needs bytes.size() <= bytes_max.
    explicit Handle(std::span<const std::byte> bytes)
        : size_(static_cast<std::uint8_t>(bytes.size())) {
        assert(bytes.size() <= bytes_max);
        if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
    }

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {bytes_.data(), size_};
    }

    friend bool operator==(const Handle& a, const Handle& b) noexcept {
        return std::ranges::equal(a.bytes(), b.bytes());
    }

private:
    std::array<std::byte, bytes_max> bytes_{};
    std::uint8_t size_ = 0;
};

/// The secret that seals handles. Anyone who knows it can name any object of any export.
class HandleKey {
public:
    static constexpr std::size_t size = 16;

    explicit HandleKey(std::span<const std::byte, size> bytes) {
        std::ranges::copy(bytes, bytes_.begin());
    }
    static HandleKey random();

    [[nodiscard]] std::span<const std::byte, size> bytes() const noexcept { return bytes_; }

private:
    std::array<std::byte, size> bytes_{};
};

/// Reads the key from handle.key in `folder`, or makes a random one and stores it there: mode 0600,
/// on disk before this returns. Servers that start at the same moment get the same key.
/// invalid_argument if the file is not exactly a key (it is left alone); otherwise the system's
/// error.
vfs::Result<HandleKey> load_or_create_key(const state::Folder& folder);

/// The contents of a handle.
struct OpenedHandle {
    OpenedHandle() = default;
    OpenedHandle(ExportId id, std::span<const std::byte> object_bytes,
                 std::span<const std::byte> way_bytes)
        : export_id(id),
          object(object_bytes),
          way(way_bytes) {}

    ExportId export_id{};
    vfs::ObjectId object;
    vfs::Way way;
};

/// Makes and checks handles. Immutable, so any number of threads may use one.
class HandleSealer {
public:
    explicit HandleSealer(const HandleKey& key) : key_(key) {}

    /// Id and way together must have at most ObjectId::bytes_max.
    [[nodiscard]] Handle seal(ExportId export_id, const vfs::ObjectId& object,
                              const vfs::Way& way = {}) const;

    /// bad_handle unless these bytes were sealed with this key; stale if they look like a handle of
    /// another version. The time does not depend on how much of the MAC is right.
    [[nodiscard]] vfs::Result<OpenedHandle> open(std::span<const std::byte> handle) const;

private:
    HandleKey key_;
};

}  // namespace berth::exports
