// Bytes for tests, written as people write them.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sodium.h>

namespace berth::vfs::test {

/// "01 0203": the digits in pairs; blanks are layout.
inline std::vector<std::byte> bytes_of(std::string_view hex) {
    std::vector<std::byte> bytes(hex.size() / 2 + 1);
    std::size_t count = 0;
    sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(),
                   hex.size(), " ", &count, nullptr);
    bytes.resize(count);
    return bytes;
}

/// 00 01 02 and so on.
template <std::size_t Size>
std::array<std::byte, Size> counting_bytes() {
    std::array<std::byte, Size> bytes{};
    for (std::size_t i = 0; i < Size; ++i) bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text});
}

inline std::string as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace berth::vfs::test
