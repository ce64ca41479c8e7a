// The protocol as the measuring programs speak it: just enough of RFC 4506, 5531 and 1813 to send
// calls, to answer them, and to tell a good reply from a bad one. Shares nothing with the server it
// measures.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace berth::bench {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

inline constexpr std::uint32_t nfs_program = 100003;
inline constexpr std::uint32_t mount_program = 100005;
inline constexpr std::uint32_t nfs_version = 3;
inline constexpr std::uint32_t last_fragment = 0x8000'0000;

/// Procedures of NFS version 3 that are used here.
enum class Procedure : std::uint32_t {
    null = 0,
    getattr = 1,
    setattr = 2,
    lookup = 3,
    access = 4,
    read = 6,
    write = 7,
    create = 8,
    mkdir = 9,
    remove = 12,
    rename = 14,
    link = 15,
    readdirplus = 17,
};

inline constexpr std::uint32_t mount_mnt = 1;

inline constexpr std::uint32_t unstable = 0;
inline constexpr std::uint32_t file_sync = 2;

inline std::uint32_t big_endian(std::uint32_t value) {
    return __builtin_bswap32(value);
}

inline void put_u32(std::byte* at, std::uint32_t value) {
    value = big_endian(value);
    std::memcpy(at, &value, sizeof value);
}

inline void put_u64(std::byte* at, std::uint64_t value) {
    put_u32(at, static_cast<std::uint32_t>(value >> 32));
    put_u32(at + 4, static_cast<std::uint32_t>(value));
}

/// Reads four bytes, wherever they are.
inline std::uint32_t get_u32(const std::byte* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return big_endian(value);
}

inline std::size_t padded(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

/// Appends XDR to bytes that it owns.
class Writer {
public:
    void u32(std::uint32_t value) {
        bytes_.resize(bytes_.size() + 4);
        put_u32(bytes_.data() + bytes_.size() - 4, value);
    }
    void u64(std::uint64_t value) {
        u32(static_cast<std::uint32_t>(value >> 32));
        u32(static_cast<std::uint32_t>(value));
    }
    void opaque(View data) {
        u32(static_cast<std::uint32_t>(data.size()));
        bytes_.insert(bytes_.end(), data.begin(), data.end());
        bytes_.resize(padded(bytes_.size()));
    }
    void string(std::string_view text) { opaque(std::as_bytes(std::span{text})); }
    void append(View data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    Bytes& bytes() { return bytes_; }

private:
    Bytes bytes_;
};

/// Reads XDR. What is not there reads as zero, and ok() is false from then on.
class Reader {
public:
    explicit Reader(View data) : data_{data} {}

    std::uint32_t u32() {
        const View four = take(4);
        return four.empty() ? 0 : get_u32(four.data());
    }
    std::uint64_t u64() {
        const std::uint64_t high = u32();
        return high << 32 | u32();
    }
    View opaque() {
        const std::size_t size = u32();
        const View data = take(padded(size));
        return data.size() < size ? View{} : data.first(size);
    }
    void skip(std::size_t size) { take(size); }

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t left() const { return data_.size(); }

private:
    View take(std::size_t size) {
        if (size > data_.size()) {
            ok_ = false;
            data_ = {};
            return {};
        }
        const View taken = data_.first(size);
        data_ = data_.subspan(size);
        return taken;
    }

    View data_;
    bool ok_ = true;
};

inline constexpr std::size_t attributes_bytes = 84;  // fattr3
inline constexpr std::size_t wcc_bytes = 24;         // wcc_attr

inline void skip_post_op_attributes(Reader& reader) {
    if (reader.u32() != 0) reader.skip(attributes_bytes);
}

inline void skip_wcc_data(Reader& reader) {
    if (reader.u32() != 0) reader.skip(wcc_bytes);
    skip_post_op_attributes(reader);
}

}  // namespace berth::bench
