// Writes XDR (RFC 4506). Small items are copied into one buffer; large payloads are only
// referenced, so that one gathered send transmits everything without copying them. Reusable:
// clear() keeps the buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "xdr/reader.hpp"

namespace berth::xdr {

/// Writes into room that a Writer has made, which is large enough for everything that follows.
class Placed {
public:
    explicit Placed(std::byte* at) noexcept : at_(at) {}

    void u32(std::uint32_t value) noexcept { word(value); }
    void u64(std::uint64_t value) noexcept { word(value); }
    void fixed(std::span<const std::byte> bytes) noexcept {
        const auto pad = padding(bytes.size());
        if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
        std::memset(at_ + bytes.size(), 0, pad);
        at_ += bytes.size() + pad;
    }

private:
    template <class Word>
    void word(Word value) noexcept {
        const auto wire = detail::big_endian(value);
        std::memcpy(at_, &wire, sizeof wire);
        at_ += sizeof wire;
    }

    std::byte* at_;
};

class Writer {
public:
    /// reference_or_copy() references payloads of at least this size, and copies smaller ones.
    static constexpr std::size_t reference_bytes_min = 1024;

    Writer() = default;
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void u32(std::uint32_t value) { word(value); }
    void u64(std::uint64_t value) { word(value); }

    /// Makes room for exactly `count` bytes, to be written before anything else is.
    [[nodiscard]] Placed place(std::size_t count) { return Placed{extend(count)}; }

    /// Copies bytes and their zero padding.
    void fixed(std::span<const std::byte> bytes) {
        if (bytes.empty()) return;
        const auto pad = padding(bytes.size());
        auto* to = extend(bytes.size() + pad);
        std::memcpy(to, bytes.data(), bytes.size());
        std::memset(to + bytes.size(), 0, pad);
    }

    /// Writes bytes and their padding; large ones must outlive every use of segments().
    void reference_or_copy(std::span<const std::byte> bytes);

    void clear() noexcept {
        size_ = referenced_bytes_ = 0;
        references_.clear();
    }
    /// Releases memory above `bytes`; for buffers that stay in a pool.
    void shrink(std::size_t bytes) noexcept;

    /// Whether nothing is referenced: the buffer has all bytes.
    [[nodiscard]] bool owns_all() const noexcept { return references_.empty(); }
    /// Memory held, whether written to or not.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// All bytes written, own and referenced.
    [[nodiscard]] std::size_t size() const noexcept { return size_ + referenced_bytes_; }

    /// Calls take(span) for each piece, in order. The pieces are valid until the next write.
    template <class Take>
    void segments(Take&& take) const {
        std::size_t from = 0;
        for (const auto& reference : references_) {
            if (reference.place > from)
                take(std::span<const std::byte>{bytes_.get() + from, reference.place - from});
            take(reference.bytes);
            from = reference.place;
        }
        if (size_ > from) take(std::span<const std::byte>{bytes_.get() + from, size_ - from});
    }

    /// A copy of everything in one piece.
    [[nodiscard]] std::vector<std::byte> flat() const;

private:
    struct Reference {
        std::size_t place;  // own bytes before it
        std::span<const std::byte> bytes;
    };

    template <class Word>
    void word(Word value) {
        const auto wire = detail::big_endian(value);
        std::memcpy(extend(sizeof wire), &wire, sizeof wire);
    }

    std::byte* extend(std::size_t count) {
        if (count > capacity_ - size_) grow(count);
        auto* at = bytes_.get() + size_;
        size_ += count;
        return at;
    }
    void grow(std::size_t count);

    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    boost::container::small_vector<Reference, 2> references_;
    std::size_t referenced_bytes_ = 0;
};

/// Has the interface of a Writer, and only counts the bytes of an encoding.
class Counter {
public:
    void u32(std::uint32_t) noexcept { size_ += 4; }
    void u64(std::uint64_t) noexcept { size_ += 8; }
    void fixed(std::span<const std::byte> bytes) noexcept {
        size_ += bytes.size() + padding(bytes.size());
    }
    void reference_or_copy(std::span<const std::byte> bytes) noexcept { fixed(bytes); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_ = 0;
};

}  // namespace berth::xdr
