// File handles: what names an object on the wire. A handle is restart-proof, because it holds what
// the file system itself calls the object, and unforgeable, because it ends in a keyed MAC.
//
// Layout, at most 56 bytes: format version (1) | length of the object id (6 bits) and of the
// padding (2 bits) | export id (4, big endian) | object id | way | zeros, so that the whole is a
// multiple of 4 | SipHash-2-4 of all before it (8). Id and way have 42 bytes together.
//
// 56 bytes are what ESXi takes, and U-Boot counts in words. This is version 2; version 1 had
// neither way nor padding. Handles of versions up to 15 are taken for this server's own and are
// stale; what begins otherwise is another server's.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

/// Names an export inside handles. Never 0.
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
        std::ranges::copy(bytes, bytes_.begin());
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

/// The secret that seals handles. Whoever knows it can name any object of any export.
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

/// Reads the key kept at `path`, or makes a random one and keeps it there: mode 0600, on disk
/// before this returns. Servers that start at the same moment get the same key. The directory must
/// exist. invalid_argument when the file is there and is not exactly a key (it is left alone),
/// otherwise what the system says.
Result<HandleKey> load_or_create_key(const std::filesystem::path& path);

/// What a handle says.
struct OpenedHandle {
    ExportId export_id{};
    ObjectId object;
    Way way;
};

/// Makes and checks handles. Immutable, so any number of threads may use one.
class HandleSealer {
public:
    explicit HandleSealer(const HandleKey& key) : key_(key) {}

    /// Id and way must have ObjectId::bytes_max together at most.
    [[nodiscard]] Handle seal(ExportId export_id, const ObjectId& object,
                              const Way& way = {}) const;

    /// bad_handle unless these bytes were sealed with this key; stale when they look like a handle
    /// of another version. Takes no longer for a nearly right MAC.
    [[nodiscard]] Result<OpenedHandle> open(std::span<const std::byte> handle) const;

private:
    HandleKey key_;
};

}  // namespace berth::vfs
