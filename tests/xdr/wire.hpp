// Hand-written bytes and the value that they are.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/bytes.hpp"
#include "xdr/codec.hpp"

namespace berth::xdr {

/// Bytes and what a decoder makes of them; `value` may point into the bytes.
template <class T>
class Wire {
public:
    explicit Wire(std::string_view hex) : bytes_(test::bytes_of_hex(hex)), reader_(bytes_) {
        decode(reader_, value);
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] bool is_whole() const { return reader_.ok() && reader_.rest().empty(); }
    [[nodiscard]] bool is_refused() const { return !reader_.ok(); }

    T value{};

private:
    std::vector<std::byte> bytes_;
    Reader reader_;
};

template <class T>
std::string hex_of(const T& value) {
    return test::hex_of(test::encoded(value));
}

/// Hex digits alone, as hex_of gives them.
inline std::string digits(std::string_view hex) {
    return test::hex_of(test::bytes_of_hex(hex));
}

}  // namespace berth::xdr
