// The cookie that identifies a grant in the acknowledgement of GRANTED: 8 bytes, which every client
// accepts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace berth::nlm {

using Cookie = std::array<std::byte, 8>;

inline Cookie cookie_of(std::uint64_t id) {
    Cookie cookie{};
    for (auto& byte : cookie) {
        byte = static_cast<std::byte>(id >> 56U);
        id <<= 8U;
    }
    return cookie;
}

inline std::optional<std::uint64_t> id_of(std::span<const std::byte> cookie) {
    if (cookie.size() != sizeof(Cookie)) return {};
    std::uint64_t id = 0;
    for (const auto byte : cookie) id = id << 8U | static_cast<std::uint64_t>(byte);
    return id;
}

}  // namespace berth::nlm
