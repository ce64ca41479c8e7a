// Reads XDR (RFC 4506) from received bytes. Errors are sticky: every read after a failure returns
// zeroes, so decoders need no check between fields. Copies nothing, allocates nothing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace berth::xdr {

/// The number of padding bytes after `size` bytes of opaque data (RFC 4506 §3: units of four).
constexpr std::size_t padding(std::size_t size) noexcept {
    return (4 - size % 4) % 4;
}

namespace detail {

template <class Word>
constexpr Word big_endian(Word word) noexcept {
    if constexpr (std::endian::native == std::endian::big) return word;
    if constexpr (sizeof(Word) == 4)
        return __builtin_bswap32(word);
    else
        return __builtin_bswap64(word);
}

}  // namespace detail

class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

    std::uint32_t u32() noexcept { return word<std::uint32_t>(); }
    std::uint64_t u64() noexcept { return word<std::uint64_t>(); }

    /// `size` bytes and their padding (its content is ignored, as in all implementations).
    std::span<const std::byte> fixed(std::size_t size) noexcept {
        if (size > rest_.size() || padding(size) > rest_.size() - size) {
            fail();
            return {};
        }
        const auto bytes = rest_.first(size);
        rest_ = rest_.subspan(size + padding(size));
        return bytes;
    }

    /// A counted sequence of at most `bytes_max` bytes.
    std::span<const std::byte> counted(std::uint32_t bytes_max) noexcept {
        const auto size = u32();
        if (size > bytes_max) {
            fail();
            return {};
        }
        return fixed(size);
    }

    void fail() noexcept {
        failed_ = true;
        rest_ = {};
    }

    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

private:
    template <class Word>
    Word word() noexcept {
        if (rest_.size() < sizeof(Word)) {
            fail();
            return 0;
        }
        Word value = 0;
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_ = rest_.subspan(sizeof value);
        return detail::big_endian(value);
    }

    std::span<const std::byte> rest_;
    bool failed_ = false;
};

}  // namespace berth::xdr
