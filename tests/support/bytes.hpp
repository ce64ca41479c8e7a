// Bytes as tests write and compare them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xdr/codec.hpp"

namespace berth::test {

/// "00 0001 a0" and so on; what is not a hex digit is layout. Comments have no place here: a
/// literal for each field with a C++ comment behind it reads well.
inline std::vector<std::byte> bytes_of_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    int digits = 0;
    unsigned value = 0;
    for (const char c : text) {
        const auto place = std::string_view{"0123456789abcdef"}.find(c);
        if (place == std::string_view::npos) continue;
        value = value << 4 | static_cast<unsigned>(place);
        if (++digits % 2 == 0) bytes.push_back(static_cast<std::byte>(value & 0xff));
    }
    return bytes;
}

inline std::string hex_of(std::span<const std::byte> bytes) {
    std::string text;
    for (const auto byte : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

template <class T>
std::vector<std::byte> encoded(const T& value) {
    xdr::Writer writer;
    xdr::encode(writer, value);
    return writer.flat();
}

/// A copy in an allocation of just its size: AddressSanitizer sees every read past it.
class ExactCopy {
public:
    explicit ExactCopy(std::span<const std::byte> bytes)
        : bytes_(std::make_unique_for_overwrite<std::byte[]>(bytes.size())),
          size_(bytes.size()) {
        std::ranges::copy(bytes, bytes_.get());
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_;
};

/// Whether all of `bytes` is one T. The value is thrown away: it may point into bytes that are
/// gone.
template <class T>
bool decodes(std::span<const std::byte> bytes) {
    const ExactCopy copy{bytes};
    xdr::Reader in{copy.bytes()};
    T value{};
    xdr::decode(in, value);
    return in.ok() && in.rest().empty();
}

}  // namespace berth::test
