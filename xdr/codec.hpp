// Encodes and decodes wire types. A struct is its members in declaration order (RFC 4506 §4.14), as
// in a C++ aggregate: Boost.PFR visits them, so types need no code of their own. An enum needs one
// function, `constexpr bool is_valid(E)`, found by argument-dependent lookup: values for which it
// returns false are refused on the wire.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <concepts>
#include <span>
#include <string_view>

#include <boost/pfr/core.hpp>

#include "xdr/reader.hpp"
#include "xdr/types.hpp"
#include "xdr/writer.hpp"

namespace berth::xdr {

namespace detail {

template <class>
inline constexpr bool is_opaque = false;
template <std::uint32_t Max>
inline constexpr bool is_opaque<Opaque<Max>> = true;

template <class>
inline constexpr bool is_string = false;
template <std::uint32_t Max>
inline constexpr bool is_string<String<Max>> = true;

template <class>
inline constexpr bool is_array = false;
template <class T, std::uint32_t Max>
inline constexpr bool is_array<Array<T, Max>> = true;

template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<Optional<T>> = true;

template <class>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<List<T>> = true;

template <class>
inline constexpr bool is_fixed_opaque = false;
template <std::size_t Size>
inline constexpr bool is_fixed_opaque<std::array<std::byte, Size>> = true;

template <class>
inline constexpr bool is_fixed_array = false;
template <class T, std::size_t Size>
inline constexpr bool is_fixed_array<std::array<T, Size>> = true;

template <class T>
concept IsUnion = requires {
    typename T::DiscriminantType;
    T::arm_count;
};

/// A type whose members are encoded one after the other.
template <class T>
concept IsStruct =
    std::is_aggregate_v<T> && !is_fixed_opaque<T> && !is_fixed_array<T> && !is_array<T> &&
    !is_list<T> && !is_optional<T> && !is_opaque<T> && !is_string<T> && !IsUnion<T>;

/// Integers of 4 and 8 bytes, signed or unsigned; XDR has no others.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && (sizeof(T) == 4 || sizeof(T) == 8);

/// The fewest bytes that a T takes on the wire. This bounds what a claimed count may reserve.
template <class T>
consteval std::size_t bytes_min();

template <class T, std::size_t... Index>
consteval std::size_t members_bytes_min(std::index_sequence<Index...>) {
    return (std::size_t{0} + ... + bytes_min<boost::pfr::tuple_element_t<Index, T>>());
}

template <class T>
consteval std::size_t bytes_min() {
    if constexpr (std::is_same_v<T, Quadruple>)
        return 16;
    else if constexpr (std::is_same_v<T, double> || (Integer<T> && sizeof(T) == 8))
        return 8;
    else if constexpr (is_fixed_opaque<T>)
        return std::tuple_size_v<T> + padding(std::tuple_size_v<T>);
    else if constexpr (is_fixed_array<T>)
        return std::tuple_size_v<T> * bytes_min<typename T::value_type>();
    else if constexpr (std::is_aggregate_v<T> && !is_array<T> && !is_list<T>)
        return members_bytes_min<T>(std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
    else
        return 4;
}

/// Whether every T takes the same number of bytes on the wire: then bytes_min().
template <class T>
consteval bool has_constant_size();

template <class T, std::size_t... Index>
consteval bool members_have_constant_size(std::index_sequence<Index...>) {
    return (has_constant_size<boost::pfr::tuple_element_t<Index, T>>() && ...);
}

template <class T>
consteval bool has_constant_size() {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || is_fixed_opaque<T>)
        return true;
    else if constexpr (is_fixed_array<T>)
        return has_constant_size<typename T::value_type>();
    else if constexpr (IsStruct<T>)
        return members_have_constant_size<T>(
            std::make_index_sequence<boost::pfr::tuple_size_v<T>>{});
    else
        return false;
}

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace detail

/// Encodes into a Writer (or a Counter). Exceeding a bound is a defect of the caller.
template <class Sink, class T>
void encode(Sink& sink, const T& value) {
    using namespace detail;
    if constexpr (std::is_same_v<T, bool>) {
        sink.u32(value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
        static_assert(sizeof(T) == 4);
        sink.u32(static_cast<std::uint32_t>(value));
    } else if constexpr (Integer<T> && sizeof(T) == 4) {
        sink.u32(static_cast<std::uint32_t>(value));
    } else if constexpr (Integer<T>) {
        sink.u64(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_same_v<T, float>) {
        sink.u32(std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::is_same_v<T, double>) {
        sink.u64(std::bit_cast<std::uint64_t>(value));
    } else if constexpr (is_fixed_opaque<T>) {
        sink.fixed(value);
    } else if constexpr (is_fixed_array<T>) {
        for (const auto& item : value) encode(sink, item);
    } else if constexpr (is_opaque<T>) {
        assert(value.size() <= T::bytes_max);
        sink.u32(static_cast<std::uint32_t>(value.size()));
        sink.reference_or_copy(value.bytes());
    } else if constexpr (is_string<T>) {
        assert(value.view().size() <= T::bytes_max);
        sink.u32(static_cast<std::uint32_t>(value.view().size()));
        sink.fixed(std::as_bytes(std::span{value.view()}));
    } else if constexpr (is_array<T>) {
        assert(value.items.size() <= T::count_max);
        sink.u32(static_cast<std::uint32_t>(value.items.size()));
        for (const auto& item : value.items) encode(sink, item);
    } else if constexpr (is_optional<T>) {
        sink.u32(value ? 1 : 0);
        if (value) encode(sink, *value);
    } else if constexpr (is_list<T>) {
        for (const auto& item : value.items) {
            sink.u32(1);
            encode(sink, item);
        }
        sink.u32(0);
    } else if constexpr (IsUnion<T>) {
        encode(sink, value.discriminant());
        value.visit([&](const auto& body) { encode(sink, body); });
    } else {
        static_assert(std::is_aggregate_v<T>, "not a wire type");
        if constexpr (has_constant_size<T>() && requires { sink.place(1); }) {
            auto placed = sink.place(bytes_min<T>());  // one question for room, not one a member
            boost::pfr::for_each_field(value, [&](const auto& member) { encode(placed, member); });
        } else {
            boost::pfr::for_each_field(value, [&](const auto& member) { encode(sink, member); });
        }
    }
}

template <class T>
void decode(Reader& reader, T& value);

namespace detail {

template <class T>
void decode_array(Reader& reader, T& value) {
    using Item = typename T::Items::value_type;
    static_assert(bytes_min<Item>() > 0, "a count of nothing has no bound");
    const auto count = reader.u32();
    if (count > T::count_max || count > reader.rest().size() / bytes_min<Item>()) {
        reader.fail();
        return;
    }
    value.items.clear();
    value.items.reserve(count);
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i)
        decode(reader, value.items.emplace_back());
}

inline bool decode_bool(Reader& reader) {
    const auto word = reader.u32();
    if (word > 1) reader.fail();
    return word == 1;
}

template <class T>
void decode_list(Reader& reader, T& value) {
    value.items.clear();
    while (decode_bool(reader)) {
        decode(reader, value.items.emplace_back());
        if (!reader.ok()) return;
    }
}

template <class T>
void decode_union(Reader& reader, T& value) {
    typename T::DiscriminantType discriminant{};
    decode(reader, discriminant);
    if (!reader.ok()) return;
    if (!value.select(discriminant)) {
        reader.fail();
        return;
    }
    value.visit([&](auto& body) { decode(reader, body); });
}

}  // namespace detail

/// Decodes; the reader's ok() tells whether that worked. After a failure the value is valid but
/// unspecified.
template <class T>
void decode(Reader& reader, T& value) {
    using namespace detail;
    if constexpr (std::is_same_v<T, bool>) {
        value = decode_bool(reader);
    } else if constexpr (std::is_enum_v<T>) {
        static_assert(sizeof(T) == 4);
        value = static_cast<T>(reader.u32());
        if (!is_valid(value)) reader.fail();
    } else if constexpr (Integer<T> && sizeof(T) == 4) {
        value = static_cast<T>(reader.u32());
    } else if constexpr (Integer<T>) {
        value = static_cast<T>(reader.u64());
    } else if constexpr (std::is_same_v<T, float>) {
        value = std::bit_cast<float>(reader.u32());
    } else if constexpr (std::is_same_v<T, double>) {
        value = std::bit_cast<double>(reader.u64());
    } else if constexpr (is_fixed_opaque<T>) {
        const auto bytes = reader.fixed(value.size());
        std::ranges::copy(bytes, value.begin());
    } else if constexpr (is_fixed_array<T>) {
        for (auto& item : value) decode(reader, item);
    } else if constexpr (is_opaque<T>) {
        value = T{reader.counted(T::bytes_max)};
    } else if constexpr (is_string<T>) {
        value = T{as_text(reader.counted(T::bytes_max))};
    } else if constexpr (is_array<T>) {
        decode_array(reader, value);
    } else if constexpr (is_optional<T>) {
        value.reset();
        if (decode_bool(reader)) decode(reader, value.emplace());
    } else if constexpr (is_list<T>) {
        decode_list(reader, value);
    } else if constexpr (IsUnion<T>) {
        decode_union(reader, value);
    } else {
        static_assert(std::is_aggregate_v<T>, "not a wire type");
        boost::pfr::for_each_field(value, [&](auto& member) { decode(reader, member); });
    }
}

/// The length of the encoding of `value` in bytes.
template <class T>
[[nodiscard]] std::size_t encoded_bytes(const T& value) {
    Counter counter;
    encode(counter, value);
    return counter.size();
}

}  // namespace berth::xdr
